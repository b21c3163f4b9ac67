"""What a photo is likely to be about, given that a network sees an ImageNet class in it.

ImageNet names objects; a photographer thinks in subjects. :data:`GROUPS` says, class by class,
how the probability of an object is shared out among ten content categories: a beach is coastal,
a suit of armour may stand in a portrait or in a museum, a screwdriver says nothing. The shares
are judgements about typical photos, written from the class names and adjusted on development
photos only (see ``card.md``); they are soft, so that several weak hints add up where an arg-max
would follow the strongest.

``python -m homebody.features.photo.class_map`` writes ``categories.json`` from this table; the
JSON is what the bundle carries and what every platform reads.
"""

from __future__ import annotations

import json
from pathlib import Path

CLASSES = 1000
"""ImageNet-1k classes, in the usual order: 0 is tench, 999 is toilet paper."""

CONTENT = {
    "nature": "Nature",
    "coastal": "Coastal",
    "architecture": "Architecture",
    "interior": "Interior",
    "street": "Street",
    "portrait": "Portrait",
    "food": "Food",
    "animal": "Animal",
    "flower": "Flower",
    "art": "Art",
}
"""Content categories, id to name, in the order of the class map's output."""

PHOTOMETRIC = {
    "night": "Night",
    "monochrome": "Monochrome",
    "vibrant": "Vibrant",
    "light-and-shadow": "Light and shadow",
}
"""Photometric categories, id to name, in the order of ``photometry.strengths``."""

EXPERIMENTAL = frozenset({"art", "light-and-shadow"})
"""Categories that the card warns of: art is hardly in ImageNet, light in the eye."""

#: (what it is, classes as "a,b-c", parts of each category). Parts are relative. A class in several
#: groups takes the last one. Classes in no group say nothing: every category gets an equal share.
GROUPS: tuple[tuple[str, str, dict[str, float]], ...] = (
    ("wild animals", "0-150,269-280,286-397", {"animal": 6, "nature": 4}),
    ("dogs and cats", "151-268,281-285", {"animal": 1}),
    ("corals, anemones, starfish, urchins", "107-111,327-329", {"animal": 7, "coastal": 3}),
    ("whales, sea lion, albatross", "146-150", {"animal": 7, "coastal": 3}),
    ("shells", "112,115-117", {"animal": 6, "coastal": 4}),
    ("crabs and lobsters", "118-124", {"animal": 6, "food": 4}),
    ("insects seen on flowers", "94,301,308-310,319-326", {"animal": 5, "flower": 2, "nature": 3}),
    # Land
    ("mountain, valley, volcano", "970,979,980", {"nature": 1}),
    ("cliff, geyser", "972,974", {"nature": 8, "coastal": 2}),
    ("balloon, parachute", "417,701", {"nature": 8, "portrait": 2}),
    ("fungi, acorn, buckeye, hay", "958,988,990-997", {"nature": 1}),
    ("grain", "998", {"nature": 7, "food": 3}),
    ("fences, haystacks, fields, harvest", "595,730,856,866,912", {"nature": 8, "street": 2}),
    ("tent, sleeping bag, ski, sled", "537,672,795,797,802", {"nature": 8, "portrait": 2}),
    ("spider web, birdhouse, apiary", "410,448,815", {"nature": 6, "animal": 4}),
    ("wing, airliner, glider seen in the sky", "404,405,895,908", {"nature": 6, "street": 4}),
    ("megalith, stone wall, dam", "525,649,825", {"architecture": 6, "nature": 4}),
    ("maze, lumber mill, picket fence", "634,646,716", {"nature": 5, "architecture": 5}),
    # Water
    ("seashore, sandbar, promontory", "976-978", {"coastal": 1}),
    ("lakeshore", "975", {"coastal": 5, "nature": 5}),
    ("coral reef, scuba diver, snorkel", "801,973,983", {"coastal": 6, "animal": 4}),
    ("lighthouse, breakwater, dock, pier", "437,460,536,718", {"coastal": 9, "architecture": 1}),
    (
        "ships and boats",
        "403,484,510,554,625,628,694,724,780,814,833,871,913,914",
        {"coastal": 1},
    ),
    ("canoe, paddle", "472,693", {"coastal": 6, "nature": 4}),
    ("gondola", "576", {"coastal": 5, "architecture": 4, "street": 1}),
    ("boathouse", "449", {"coastal": 4, "architecture": 4, "nature": 2}),
    ("swimwear", "433,445,639,775,842", {"portrait": 7, "coastal": 3}),
    # Buildings
    (
        "castles, temples, towers, bridges, domes, monuments",
        "442,483,497,538,663,668,682,698,727,743,821,832,839,858,873,884,888,900",
        {"architecture": 1},
    ),
    ("barn, thatch, yurt, cliff dwelling", "425,500,853,915", {"architecture": 6, "nature": 4}),
    ("mobile home, dish, collector, sundial", "660,755,807,835", {"architecture": 6, "nature": 4}),
    ("fountain, flagpole", "557,562", {"architecture": 8, "street": 2}),
    ("patio", "706", {"architecture": 5, "interior": 5}),
    ("greenhouse", "580", {"architecture": 4, "interior": 3, "nature": 2, "flower": 1}),
    ("totem pole, pedestal, plaque", "458,708,863", {"architecture": 6, "art": 4}),
    ("altar, organ, throne", "406,687,857", {"architecture": 4, "interior": 6}),
    ("cinema", "498", {"architecture": 4, "street": 4, "interior": 2}),
    ("construction crane, drilling rig", "517,540", {"architecture": 6, "street": 4}),
    # Rooms
    (
        "furniture, appliances, lamps, doors",
        "423,431,453,492,493,495,516,520,526,532,534,548,553,556,559,564,588,598,619,624,648,"
        "651,664,721,729,736,742,750,753,760,765,782,789,794,799,811,827,831,846,851,854,861,"
        "892,894,896,897,904,905,713",
        {"interior": 1},
    ),
    ("bath", "435,876", {"interior": 1}),
    ("desk with computer", "508,527,620,673,681,810,878", {"interior": 9, "portrait": 1}),
    ("piano", "579,881", {"interior": 8, "portrait": 2}),
    ("banister, window, tiles", "421", {"interior": 6, "architecture": 4}),
    ("small things of the household",
     "398,426,434,455,462,463,470,477,481,482,485,494,496,528,530,533,549,588,590,592,600,604,606,"
     "623,626,632,644,662,695,700,709,710,719,731,745,754,761,767,772,778,786,804,840,848,855,872,"
     "893,902,911,999", {"interior": 6, "food": 2, "portrait": 2}),
    ("clock, fan, switch, vacuum, mat", "409,539,545,741,844,882", {"interior": 1}),
    ("shops", "424,454,788,860,865", {"interior": 6, "street": 4}),
    ("restaurant", "762", {"interior": 7, "food": 3}),
    ("vase", "883", {"flower": 5, "interior": 4, "art": 1}),
    # Streets
    (
        "cars, buses, trains, trams",
        "407,436,466,468,475,479,511,547,555,565,569,573,575,581,586,609,627,654,656,661,675,"
        "705,717,734,751,757,779,803,817,820,829,847,864,867,874",
        {"street": 1},
    ),
    ("bicycles, scooters, carts", "444,603,612,665,670,671,690,870,880", {"street": 1}),
    (
        "street furniture and signs",
        "412,480,571,637,640,703,704,707,733,877,886,919,920",
        {"street": 1},
    ),
    ("carousel, chain-link fence", "476,489", {"street": 8, "architecture": 2}),
    ("umbrella", "879", {"street": 5, "portrait": 3, "coastal": 2}),
    # People
    (
        "clothes",
        "399,400,411,439,443,451,452,457,459,474,501,502,514,515,529,552,568,578,591,601,608,"
        "610,614,617,630,638,652,655,658,667,689,697,735,770,774,793,796,806,808,824,834,841,"
        "869,887,906",
        {"portrait": 1},
    ),
    ("hair, make-up, glasses, jewels", "551,584,585,589,629,679,836,837,903", {"portrait": 1}),
    ("masks, helmets", "518,560,570,643,678,691,715", {"portrait": 9, "art": 1}),
    ("armour", "461,465,490,524,787", {"portrait": 6, "art": 4}),
    ("sportspeople and their things", "416,422,430,543,602,615,702,722,747,752,768,805,852,890",
     {"portrait": 1}),
    ("ballplayer, groom, swing", "843,981,982", {"portrait": 1}),
    (
        "instruments being played",
        "401,402,420,432,486,513,541,546,558,566,577,593,594,641,642,683,684,699,776,822,875,889",
        {"portrait": 7, "interior": 3},
    ),
    ("microphone, stage, spotlight", "650,818,819", {"portrait": 6, "interior": 4}),
    ("bags, phones, cameras", "414,447,487,605,636,680,732,748,759,823", {"portrait": 1}),
    ("rifle, holster, uniform things", "413,465,597,763,764", {"portrait": 1}),
    # Food
    ("dishes, fruit, vegetables", "924-957,959-969", {"food": 1}),
    ("bottles, glasses, cups, pots", "440,441,469,473,499,503-505,512,521,544,550,567,572,618,"
     "647,653,659,666,725,737,766,773,809,813,828,849,859,868,891,898,899,901,907,909,910,923",
     {"food": 8, "interior": 2}),
    ("menu", "922", {"food": 6, "art": 4}),
    ("bakery, butcher, grocery, confectionery", "415,467,509,582", {"food": 8, "interior": 2}),
    ("corn", "987", {"food": 7, "nature": 3}),
    ("edible fungus", "947", {"nature": 7, "food": 3}),
    ("honeycomb", "599", {"nature": 4, "animal": 3, "food": 3}),
    # Flowers
    ("daisy, orchid", "985,986", {"flower": 1}),
    ("rapeseed", "984", {"flower": 6, "nature": 4}),
    ("cardoon, rose hip, flowerpot", "738,946,989", {"flower": 8, "nature": 2}),
    ("artichoke", "944", {"food": 7, "flower": 3}),
    # Pictures of pictures
    ("comic, book jacket, jigsaw, crossword", "611,917,918,921", {"art": 1}),
    ("brush, quill", "696,749", {"art": 1}),
    ("web site", "916", {"art": 5}),
)  # fmt: skip


def indices(text: str) -> list[int]:
    """Class numbers of a compact list.

    Example:
        >>> indices("3,7-9")
        [3, 7, 8, 9]
    """
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers


def shares() -> list[dict[str, float]]:
    """For each of the 1000 classes, its share of every category it hints at; each sums to 1.

    Example:
        >>> shares()[978]
        {'coastal': 1.0}
    """
    table = [dict.fromkeys(CONTENT, 1 / len(CONTENT)) for _ in range(CLASSES)]
    for _, classes, parts in GROUPS:
        total = sum(parts.values())
        for index in indices(classes):
            table[index] = {category: part / total for category, part in parts.items()}
    return table


def categories_json() -> bytes:
    """The class map and the photometric categories as ``homebody.categories/1`` JSON."""
    table = shares()
    categories: list[dict[str, object]] = [
        {
            "id": category,
            "name": name,
            "kind": "content",
            "experimental": category in EXPERIMENTAL,
            "classes": {
                str(index): round(share[category], 6)
                for index, share in enumerate(table)
                if category in share
            },
        }
        for category, name in CONTENT.items()
    ]
    categories += [
        {
            "id": category,
            "name": name,
            "kind": "photometric",
            "experimental": category in EXPERIMENTAL,
            "classes": {},
        }
        for category, name in PHOTOMETRIC.items()
    ]
    document = {"format": "homebody.categories/1", "categories": categories}
    return (json.dumps(document, separators=(",", ":")) + "\n").encode()


if __name__ == "__main__":
    Path(__file__).with_name("categories.json").write_bytes(categories_json())
