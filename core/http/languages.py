"""Flask-Babel with a shorter way to the program's texts: a page asks for dozens of them."""

from functools import cached_property
from typing import Any

from babel import Locale
from flask import Flask, g, has_app_context
from flask_babel import Babel, Domain, get_locale


class Words(Domain):
    """The program's texts. Finds a language at once; Flask-Babel would spell its name out for every text."""

    def __init__(self, domain: str) -> None:
        super().__init__(domain=domain)
        self._by_locale: dict[Locale | None, Any] = {}

    def get_translations(self) -> Any:
        """A page asks for dozens of texts: what the last one found is kept beside the locale it was found for."""
        context = g.get("_flask_babel") if has_app_context() else None
        if context is None or getattr(context, "babel_locale", None) is None:
            return self._find(get_locale())
        if getattr(context, "hall_locale", None) is not context.babel_locale:
            context.hall_words = self._find(context.babel_locale)
            context.hall_locale = context.babel_locale
        return context.hall_words

    def _find(self, locale: Locale | None) -> Any:
        found = self._by_locale.get(locale)
        if found is None:
            found = super().get_translations()
            if locale is not None:
                self._by_locale[locale] = found
        return found


class Languages(Babel):
    """Flask-Babel with our way to find texts."""

    def init_app(self, app: Flask, *args: Any, **kwargs: Any) -> None:
        """Templates ask our texts directly."""
        super().init_app(app, *args, **kwargs)
        app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
            lambda text: self.domain_instance.get_translations().ugettext(text),
            lambda one, more, n: self.domain_instance.get_translations().ungettext(one, more, n),
            newstyle=True,
        )

    @cached_property
    def domain_instance(self) -> Words:
        return Words(self.domain)
