"""The kinds of models, such as sofas or street lamps, and how to tell them by name and size."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ppdcli.scenes.furnished.models.library import Library
from ppdcli.scenes.furnished.models.model import Entry

Rng = np.random.Generator


@dataclass(frozen=True)
class Kind:
    """The conditions that a model of the kind meets: name, category, height and width in metres."""

    name: str = ""
    category: str = ""
    unlike: str = r"(?!)"
    height: tuple[float, float] = (0.0, 99.0)
    width: tuple[float, float] = (0.0, 99.0)
    depth: tuple[float, float] = (0.0, 99.0)
    hung: bool = False

    def fits(self, entry: Entry) -> bool:
        """Returns whether a model meets the conditions."""
        width, height, depth = entry.size
        return (
            re.search(self.name, entry.name, re.I) is not None
            and re.search(self.category, entry.category) is not None
            and re.search(self.unlike, entry.name, re.I) is None
            and self.height[0] <= height <= self.height[1]
            and self.width[0] <= width <= self.width[1]
            and self.depth[0] <= depth <= self.depth[1]
            and (entry.elevation > 0.05) == self.hung
        )


_HOME = "Living|Bedroom|Office|Kitchen|Misc"
KINDS: dict[str, Kind] = {
    "sofa": Kind(r"sofa|couch|day bed", "Living|Bedroom", "opened", width=(1.2, 3.4)),
    "armchair": Kind(r"armchair|relax chair|puff|ryokan|futon", "Living|Office|Exterior",
                     "couch", width=(0.4, 1.2)),
    "chair": Kind(r"chair", "Living|Office", r"baby|child|deck|wheel|armchair|class|ryokan|bar",
                  height=(0.7, 1.2)),
    "stool": Kind(r"stool|bar chair", "Kitchen|Living"),
    "table": Kind(r"table", "Living|Office|Kitchen", r"child|coffee|pool|technical|tennis|bar|set",
                  height=(0.68, 0.82), width=(0.6, 2.6)),
    "coffee table": Kind(r"table|bench", "Living", "child|piano", height=(0.3, 0.6)),
    "bar table": Kind(r"table", "Living", "child|pool|tennis", height=(0.88, 1.1)),
    "desk": Kind(r"desk|wooden.*table|dressing", "Office|Bedroom|Living", "lamp",
                 height=(0.65, 1.9)),
    "bed": Kind(r"\bbed\b|futon$|bunk|mezzanine", "Bedroom", "baby|hospital|table", width=(0.7, 3)),
    "child bed": Kind(r"baby bed|crib|child bed|changing|rocking", "Bedroom"),
    "nightstand": Kind(r"bedside|nightstand|stool", "Bedroom|Living", height=(0.3, 0.7)),
    "wardrobe": Kind(r"wardrobe|cupboard|locker", "Bedroom", height=(1.4, 2.5)),
    "shelf": Kind(r"shel|bookcase|^box$|contemporary|television cabinet|vertical|filing|rack",
                  "Living|Bedroom|Office", "tray", height=(0.5, 2.4)),
    "sideboard": Kind(r"dresser|^chest|^box|tv stand|cabinet|safe|trunck", "Living|Bedroom|Office",
                      "freezer|chair", height=(0.4, 1.2), width=(0.4, 3)),
    "tv": Kind(r"^tv|television$|flat tv|imac|amplifier", "Living|Office", width=(0.4, 1.6)),
    "big object": Kind(r"piano|fireplace|aquarium|christmas tree h|treadmill|indoor bike|flipper|"
                      r"football table|pool table|fitness|clothes horse|clothes rack|punching|"
                      r"water cooler|screen|ladder|wheelchair|suitcase|speaker|guitar|ironing|"
                      r"table tennis|workbench|abdominal|dress|suit$", _HOME, "bat|racket|table$",
                      height=(0.3, 2.4)),
    "floor lamp": Kind(r"lamp|light", "Lights", "street|park|post|hang|ceil|camp", height=(0.6, 2)),
    "table lamp": Kind(r"lamp|candle|lantern", "Lights", "street|post", height=(0.1, 0.85)),
    "hanging lamp": Kind(r"", "Lights", "outdoor|porch|wall", height=(0.0, 1.8), hung=True),
    "wall lamp": Kind(r"wall|spot", "Lights", hung=True),
    "plant": Kind(r"plant|ficus|yucca|bamboo|bonsai|cactus|christmas|flowers|orchid|lily|spath",
                  "Living|Misc", height=(0.35, 2.2)),
    "small plant": Kind(r"plant|cactus|bonsai|flowers|tulip|orchid|lily|bamboo|vase",
                        "Living|Misc", height=(0.08, 0.65)),
    "rug": Kind(r"carpet|rug|tatami", "Living|Misc", height=(0, 0.1), width=(0.7, 4)),
    "mat": Kind(r"mat$", "Bathroom|Misc", "tat", height=(0, 0.1)),
    "lower cabinet": Kind(r"lower cabinet|drawers cabinet|sink cabinet|cooker|dish|oven|stove|"
                          r"washing|dryer|island", "Kitchen", "corner|small oven|grill",
                          height=(0.7, 1.3)),
    "upper cabinet": Kind(r"upper|glass door|hood", "Kitchen", "corner", hung=True),
    "fridge": Kind(r"fridge|refrigerator|high cabinet|double oven", "Kitchen", height=(1.0, 2.3)),
    "kitchen object": Kind(r"", "Kitchen", "shovel|broom|cabinet|basket", height=(0.015, 0.5),
                          width=(0, 0.6)),
    "dish": Kind(r"plate|bowl|glass|cup|bottle|mug|pot|tray|bread|cake|salad|fruit|apple|chicken|"
                 r"burger|fries|knife|fork|spoon|sugar|salt|butter|milk|jar|creamer|teapot|pan|"
                 r"kettle|sushi|steak|candle|press|wine|beer|hot dog", "Kitchen|Lights",
                 "cabinet|stove", height=(0.004, 0.4), width=(0, 0.5)),
    "desk object": Kind(r"laptop|ibook|imac|phone|tray|pen|ruler|scissor|stapl|calendar|marker|"
                       r"printer|camera|tablet|book|newspaper|keys|glasses|lamp|mug|glass$|cup|"
                       r"clock|watch|headphone|radio|rubik|joystick|playst|dvd|remote|frame|vase|"
                       r"cactus|plant|speaker|candle|projector|keyboard|tape", "",
                       "sun|cabinet|street|post|power", height=(0.004, 0.6), width=(0, 0.6)),
    "toy": Kind(r"teddy|doll|toy|train|rubik|puzzle|xylo|biplane|car model|chess|ball|game|"
                r"racket", "Bedroom|Misc", "rocking", height=(0.01, 0.4)),
    "floor object": Kind(r"dustbin|trash|basket|backpack|suitcase|box|crate|ball|bag|briefcase|"
                        r"slipper|sneaker|boot|shoe|helmet|teddy|umbrella|vase|guitar|gift|radio|"
                        r"speaker|fan|toolbox|barrel|extinguisher|recycling|bucket|basin|skate|rocking|"
                        r"clothes|newspaper|tricycle|locker|trunck|heater|logs|step", "",
                        "table|full|chimney|bread|medicine|post|letters|plant|lamp|flower|wash|"
                        r"mail|hanger|clothes h|towel|penbox",
                        height=(0.01, 0.95), width=(0.05, 0.9), depth=(0, 1.1)),
    "tool": Kind(r"hammer|drill|saw|plier|screwdriver|grinder|tape|shovel|flashlight|spray|keys",
                 "", height=(0.004, 0.5), width=(0, 0.7)),
    "wall object": Kind(r"", "Misc|Living|Kitchen|Bedroom|Bathroom",
                       r"plug|socket|switch|railing|blind|cabinet|hood|shutter|shower|washbasin|"
                       r"toilet|towel|urinal|lavatory|curtain|smoke|conditioning|rack",
                       height=(0.03, 1.2), hung=True),
    "air conditioner": Kind(r"conditioning", "Misc", hung=True),
    "radiator": Kind(r"radiator", "Misc", height=(0.4, 0.9)),
    "curtain": Kind(r"^curtain", "Misc", hung=True),
    "window": Kind(r"window", "Doors", "french|shutter|quad", height=(0.8, 2.3), hung=True),
    "door": Kind(r"door", "Doors", "garage|elevator|window", height=(1.9, 2.3), width=(0.6, 2.0)),
    "toilet": Kind(r"toilets unit|bidet|urinal", "Bathroom", height=(0.3, 1.0)),
    "washbasin": Kind(r"vanity|washbasin", "Bathroom", height=(0.7, 2.3)),
    "hung washbasin": Kind(r"washbasin|lavatory|urinal|towel rack", "Bathroom", hung=True),
    "bath": Kind(r"bath|shower stall", "Bathroom", "mat|island", height=(0.4, 2.1)),
    "bath object": Kind(r"bottle|soap|sponge|brush|flacon|cosmet|towel|pot|medicine|comb|lip",
                       "Bathroom", height=(0.003, 0.3), width=(0, 0.5)),
    "bath floor": Kind(r"basket|potty|basin|brush", "Bathroom", "wash", height=(0.1, 0.8)),
    "person": Kind(r"male|female|boy|girl|mannequin", "Characters", r"sitting|lying",
                   height=(1.2, 2)),
    "sitter": Kind(r"sitting", "Characters", height=(1.2, 1.6)),
    "floor sitter": Kind(r"sitting", "Characters", height=(0.5, 1.0)),
    "lying": Kind(r"lying", "Characters"),
    "pet": Kind(r"cat|dog|rabbit|chicken", "Characters", height=(0.1, 0.9)),
    "horse": Kind(r"^horse", "Characters"),
    "car": Kind(r"", "Vehicles", "bus|truck|bike|cycle|scooter|skate|stroller|yamaha|fork|biplane",
                width=(1.4, 2.6), depth=(2.2, 6.2)),
    "big vehicle": Kind(r"bus|truck|van", "Vehicles", width=(2, 4)),
    "bike": Kind(r"bicycle|^bike|scooter|yamaha|stroller", "Vehicles",
                 height=(0.6, 1.4)),
    "tree": Kind(r"tree|pine|palm|poplar|cypress|maple|beech|acacia|blossom|ficus|bamboo",
                 "Exterior", "snow", height=(2.5, 20)),
    "bush": Kind(r"bush|plant box|flower box|rock|hedge", "Exterior", height=(0.15, 2.2)),
    "hedge": Kind(r"hedge", "Exterior"),
    "garden object": Kind(r"", "Exterior",
                         r"arrow|parking|crossing|tree|pine|palm|poplar|cypress|maple|beech|acacia|"
                         r"blossom|ficus|bamboo|sidewalk|rails|barnum|pool|escalator|column|snow",
                         height=(0.15, 3.2), width=(0.15, 6)),
    "bench": Kind(r"bench|bank$", "Exterior", "little", height=(0.4, 1.1)),
    "garden seat": Kind(r"chair|sofa|lounge|hammock|deck", "Exterior", "child"),
    "garden table": Kind(r"table", "Exterior"),
    "street object": Kind(r"hydrant|trash|mailbox|cone|railing|bench|recycl|barrel|bank$|crate|"
                         r"pallet|extinguisher", "Exterior|Misc", "little|iron|abdominal",
                         height=(0.1, 1.3)),
    "street lamp": Kind(r"street|park light|lamppost", "Lights", height=(2, 8)),
    "parasol": Kind(r"^umbrella", "Exterior", height=(1.5, 3)),
    "container": Kind(r"container|garden hut|barnum|child hut|tent", "Exterior|Misc",
                      height=(1.2, 3.6)),
}  # fmt: skip


class ModelsByKind:
    """The models of one part of the library, by kind."""

    def __init__(self, library: Library, held_out: bool) -> None:
        self.entries = library.entries
        numbers = library.numbers(held_out)
        self._numbers = {
            name: [k for k in numbers if kind.fits(library.entries[k])]
            for name, kind in KINDS.items()
        }

    def all(self, kind: str) -> list[int]:
        """Returns the numbers of all models of a kind."""
        return self._numbers[kind]

    def pick(self, kind: str, rng: Rng, where: Callable[[Entry], bool] | None = None) -> int | None:
        """Returns a random model of a kind; None if the library has none."""
        numbers = self._numbers[kind]
        if where is not None:
            numbers = [k for k in numbers if where(self.entries[k])]
        return int(rng.choice(numbers)) if numbers else None
