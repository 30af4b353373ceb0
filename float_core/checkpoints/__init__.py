"""Weight files to models and back: recognising layouts, reading sizes, strict loading, saving, downloading on request.

Nothing is fetched from anywhere without a call of `download`.
"""

from .build_model import EmotionLoader, load_model
from .download import DOWNLOADS, Download, download
from .save_weights import save_model

__all__ = ["DOWNLOADS", "Download", "EmotionLoader", "download", "load_model", "save_model"]
