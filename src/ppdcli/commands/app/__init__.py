"""The local web page of ``ppd app``."""
