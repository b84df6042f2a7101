"""One measure a file; each names its source and the implementation it agrees with."""

from __future__ import annotations

from webbrain.errors import ConfigError
from webbrain.registry import Registry

from ..core import Measure

# Relative to this package, which is `eval.measures` in a checkout and `webbrain.eval.measures` in a wheel.
MEASURES = Registry(
    "measure",
    "webbrain.measures",
    {
        name: f"{__name__}.{place}"
        for name, place in {
            "abstention": "abstention:Abstention",
            "bertscore": "bertscore:BertScore",
            "bleu": "bleu:Bleu",
            "cider": "cider:Cider",
            "citations": "support:citations",
            "coverage": "fragments:ExtractiveFragments",
            "dates": "precision:date_precision",
            "grounding": "support:grounding",
            "length": "length:Length",
            "meteor": "meteor:Meteor",
            "names": "precision:name_precision",
            "numbers": "precision:number_precision",
            "qags": "qags:Qags",
            "qags-offline": "qags_offline:QagsOffline",
            "redundancy": "redundancy:Redundancy",
            "refer": "refer:Refer",
            "rouge": "rouge:Rouge",
            "support": "support:support",
            "triple": "triple:TripleScore",
            "triple-offline": "triple_offline:TripleScoreOffline",
        }.items()
    },
)


def make_measure(text: str) -> Measure:
    """A measure from its name, with options after a colon: "qags:questions=MODEL,answers=MODEL".

    Raises ConfigError for an unknown name or option.
    """
    name, _, options = text.partition(":")
    factory = MEASURES.load(name)
    given = dict(_option(option, text) for option in options.split(",") if option)
    try:
        measure: Measure = factory(**given)
    except TypeError as error:
        raise ConfigError(f"measure {name!r} does not take the options of {text!r} ({error})") from error
    return measure


def _option(option: str, text: str) -> tuple[str, str]:
    key, equals, value = option.partition("=")
    if not equals or not key.isidentifier():
        raise ConfigError(f"an option of a measure is NAME=VALUE, such as qags:answers=FOLDER; mend {text!r}")
    return key, value
