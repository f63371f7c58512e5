"""The blueprint that the shell's pages hang on."""

from flask import Blueprint

blueprint = Blueprint("kiosk", __name__)
