"""Where an OpenAPI document and the running API disagree, with the proof."""

__version__ = "0.1.0"
