class FurnitureLibrary:
    pass


def open_library(path=None):
    return None
