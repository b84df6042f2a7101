"""Rewordings that stay true: a scorer trained on them beside planted errors cannot learn that edited means false."""

from __future__ import annotations

import re

from webbrain.training.support_edits import Edit, Editor, Scene, names_of

_SPELLED = dict(enumerate("zero one two three four five six seven eight nine ten eleven twelve".split()))
_SAME = {
    word: other
    for pair in """film/movie began/started big/large near/close_to also/too because/since however/but show/programme
    house/home located/situated approximately/about about/around purchased/bought bought/purchased received/got
    died/passed_away movie/film author/writer writer/author physician/doctor doctor/physician city/town
    war/conflict conflict/war created/made made/produced whole/entire entire/whole many/numerous numerous/many
    important/significant significant/important famous/well-known known/famous main/principal principal/main
    fight/battle battle/fight country/nation nation/country job/position position/post company/firm firm/company
    children/kids assist/help helped/assisted help/aid quickly/rapidly rapidly/quickly often/frequently
    frequently/often finally/eventually eventually/finally while/whereas used/employed built/constructed
    constructed/built finished/completed completed/finished chosen/selected selected/chosen wife/spouse
    car/automobile ship/vessel vessel/ship attempt/try attempted/tried tried/attempted ended/concluded
    established/founded founded/established obtained/acquired acquired/obtained led/headed headed/led
    wrote/authored said/stated stated/said noted/remarked moved/relocated relocated/moved become/turn_into
    huge/enormous rich/wealthy wealthy/rich ill/sick illness/disease disease/illness students/pupils taught/instructed
    allowed/permitted permitted/allowed required/needed needed/required showed/demonstrated demonstrated/showed
    released/issued issued/released destroyed/demolished killed/slain hit/struck primarily/mainly mainly/primarily
    usually/normally currently/presently previously/formerly formerly/previously later/afterwards region/area
    area/region border/boundary road/street award/prize prize/award song/track album/record singer/vocalist
    actor/performer game/match match/game team/squad coach/trainer elected/voted_in population/inhabitants
    """.split()
    for word, other in [pair.split("/")]
}


def synonyms(text: str, scene: Scene) -> Edit | None:
    """Up to three words become words of the same meaning."""
    places = [match for match in re.finditer(r"(?<![\w-])[a-z]+(?![\w-])", text) if match.group() in _SAME]
    if not places:
        return None
    for match in sorted(scene.rng.sample(places, min(3, len(places))), key=lambda found: -found.start()):
        text = text[: match.start()] + _SAME[match.group()].replace("_", " ") + text[match.end() :]
    return Edit(text, (), "synonyms")


def lower_cased(text: str, scene: Scene) -> Edit | None:
    """The whole sentence in lower case, as noisy web text has it."""
    return Edit(text.lower(), (), "lower_cased")


def spelled_number(text: str, scene: Scene) -> Edit | None:
    """A small number is spelled, or thousands are separated."""
    small = re.search(r"(?<![\d.,-])(\d{1,2})(?=\s[a-z])", text)
    if small and int(small.group(1)) in _SPELLED:
        word = _SPELLED[int(small.group(1))]
        return Edit(text[: small.start()] + word + text[small.end() :], (), "spelled_number")
    if match := re.search(r"(?<![\d.,])(\d{1,3}),(\d{3})(?![\d,])", text):
        return Edit(text[: match.start()] + match.group(1) + match.group(2) + text[match.end() :], (), "spelled_number")
    return None


def reordered(text: str, scene: Scene) -> Edit | None:
    """ "In 1990, X did Y." -> "X did Y in 1990." """
    match = re.match(r"((?:In|On|During|After|Before|Since|From|At|By|When|While|As) [^,]{3,60}), (.+?)\.\s*$", text)
    if not match:
        return None
    head, body = match.group(1), match.group(2)
    return Edit(body[0].upper() + body[1:] + " " + head[0].lower() + head[1:] + ".", (), "reordered")


def short_name(text: str, scene: Scene) -> Edit | None:
    """The last name stands for the full name."""
    full = [match for match in names_of(text) if 2 <= len(match.group().split()) <= 3 and " the " not in match.group()]
    if not full:
        return None
    match = scene.rng.choice(full)
    return Edit(text[: match.start()] + match.group().split()[-1] + text[match.end() :], (), "short_name")


def subject_named(text: str, scene: Scene) -> Edit | None:
    """The article's subject stands where the passage has a pronoun."""
    match = re.match(r"(?:He|She|It)\s", text)
    name = re.sub(r"\s*\(.*?\)", "", scene.title)
    if match is None or name not in scene.passage:
        return None
    return Edit(f"{name} {text[match.end() :]}", (), "subject_named")


def shortened(text: str, scene: Scene) -> Edit | None:
    """An aside between commas or brackets, or the part after the last comma, is left out."""
    short = re.sub(r"\s*\([^()]*\)", "", text)
    if short == text:
        short = re.sub(r", (?:which|who|where|including|such as|a |an |the )[^,.]{4,80},", "", text, count=1)
    if short == text:
        short = re.sub(r", (?:which|who|where|including|such as|with|and \w+ing|\w+ing) [^,]{4,90}\.\s*$", ".", text)
    return Edit(short, (), "shortened") if short != text and len(short) > 30 else None


def adverbs_dropped(text: str, scene: Scene) -> Edit | None:
    """Adverbs and "the same old" qualifiers are left out; those that change the meaning stay."""
    short = re.sub(r"\s(?:also|then|later|subsequently|eventually|however,|finally|\w{5,}ly)(?=\s[a-z])", "", text)
    return Edit(short, (), "adverbs_dropped") if short != text and "only" not in text else None


CONTROLS: tuple[Editor, ...] = (
    synonyms, lower_cased, spelled_number, reordered, short_name, subject_named, shortened, adverbs_dropped,
)  # fmt: skip
