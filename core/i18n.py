"""Languages: simplified Chinese in the source, English complete, traditional made by OpenCC.

Data that residents read carries Chinese and English; the traditional form is made when it is saved.
"""

from flask_babel import get_locale
from sqlalchemy import event
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from core.database import Text
from core.hant import traditional

LANGUAGES = {"zh_Hans": "简体", "zh_Hant": "繁體", "en": "English"}
HTML_LANG = {"zh_Hans": "zh-Hans", "zh_Hant": "zh-Hant", "en": "en"}
DEFAULT = "zh_Hans"


def language() -> str:
    """The reader's language: `zh_Hans`, `zh_Hant` or `en`."""
    locale = get_locale()
    if locale is None or locale.language == "zh":
        return "zh_Hant" if locale is not None and locale.script == "Hant" else DEFAULT
    return "en"


class Named:
    """A row whose name residents read. `name` picks the reader's language."""

    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, default="")
    name_hant: Mapped[str] = mapped_column(Text, default="")

    @property
    def name(self) -> str:
        """The name in the reader's language; Chinese where no English was given."""
        return pick(self.name_zh, self.name_en, self.name_hant)


def pick(zh: str, en: str, hant: str = "") -> str:
    """The form of a text of the data that suits the reader."""
    wanted = language()
    if wanted == "en":
        return en or zh
    if wanted == "zh_Hant":
        return hant or traditional(zh)
    return zh


@event.listens_for(Named, "before_insert", propagate=True)
@event.listens_for(Named, "before_update", propagate=True)
def _make_traditional(_mapper: Mapper[Named], _connection: object, row: Named) -> None:
    row.name_hant = traditional(row.name_zh)
