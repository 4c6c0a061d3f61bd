"""Splink, and all that this platform knows of it: how a plan becomes its settings, how it learns, how it judges pairs.

Probabilities follow Fellegi and Sunter (1969). How often a level holds by chance is counted among pairs picked at random;
how often it holds among matches is learned without examples, by expectation maximisation.
"""

from __future__ import annotations

import logging
import math
import warnings
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from beijiang.engine.linking.bench import Bench, column, named
from beijiang.engine.linking.pairing import ID, PAIRS, PEOPLE
from beijiang.engine.linking.plan import LEFT, RIGHT, Comparison, LinkPlan
from beijiang.engine.linking.results import DIFFERENT, MISSING, FieldWeights, LevelWeight, Weights, rounded

if TYPE_CHECKING:
    from splink import Linker as Splink

__all__ = ["Judge", "columns_of", "level_of", "start"]

_LEAST: Final = 1e-5
"""No share is held to be smaller than this."""
_SPREAD: Final = 2_654_435_761
"""Times a record's number, modulo 2 to the 32nd, this is spread evenly (Knuth): a pick that neighbours do not decide."""
_EVEN: Final = 0.5
"""Share of matches among the pairs that are learned from, before it is learned."""
log = logging.getLogger(__name__)


def start(plan: LinkPlan, prior: float) -> Weights:
    """Return the weights that a plan starts with."""
    return Weights(prior, tuple(_start(one) for one in plan.comparisons))


def _start(comparison: Comparison) -> FieldWeights:
    left = max(_LEAST, 1 - sum(level.m for level in comparison.levels))
    rest = LevelWeight(
        DIFFERENT,
        left if comparison.different is None else comparison.different,
        max(_LEAST, 1 - sum(level.u for level in comparison.levels)),
    )
    alike = [LevelWeight(level.name, level.m, level.u) for level in reversed(comparison.levels)]
    return FieldWeights(comparison.field, (rest, *alike))


def columns_of(comparison: Comparison) -> list[str]:
    """Return the columns that the tests of a comparison name, of both records."""
    tests = (comparison.missing, *(level.test for level in comparison.levels))
    return sorted({found.name for test in tests for found in test.find_all(exp.Column)})


def level_of(comparison: Comparison) -> exp.Expr:
    """Return the number of the level that holds for a pair: -1 missing, 0 different, above it the more alike the higher."""
    case = exp.Case().when(comparison.missing.copy(), exp.Literal.number(-1))
    for place, level in enumerate(comparison.levels):
        case = case.when(level.test.copy(), exp.Literal.number(len(comparison.levels) - place))
    return exp.cast(case.else_(exp.Literal.number(0)), "TINYINT")


class Judge:
    """Splink over the prepared records of a bench."""

    def __init__(self, bench: Bench, plan: LinkPlan) -> None:
        logging.getLogger("splink").setLevel(logging.ERROR)

        self._bench = bench
        self._plan = plan
        self._api = bench.splink()
        self._tables = 0
        self.comparisons = tuple(bench.short(one, place) for place, one in enumerate(plan.comparisons))
        """Those of the plan, their tests under short names: Splink and the engine read what they are told many times."""

    def learn(self, given: Weights, records: int) -> Weights:
        """Return weights learned from the records, starting from those given."""
        from splink import block_on
        from splink.internals.exceptions import EMTrainingException

        by_chance = Weights(given.prior, self._by_chance(given, records))
        splink = self._splink(Weights(_EVEN, by_chance.fields), rarity=False)
        settings = splink._settings_obj  # noqa: SLF001 - a lesson without pairs leaves it with part of its comparisons
        for columns in self._plan.training:
            before = settings.comparisons, settings._probability_two_random_records_match  # noqa: SLF001
            try:
                splink.training.estimate_parameters_using_expectation_maximisation(
                    block_on(*columns),
                    estimate_without_term_frequencies=True,
                    max_pairs=self._plan.training_pairs,
                    record_sample_proportion=0.1,
                )
            except EMTrainingException as exc:
                settings.comparisons, settings._probability_two_random_records_match = before  # noqa: SLF001
                log.info("no pairs to learn from by %s (%s)", columns, type(exc).__name__)
        matches = given.prior * records * (records - 1) / 2
        return self._learned(splink, by_chance, max(_LEAST, min(0.01, 0.5 / max(matches, 1))))

    def judge(self, weights: Weights) -> str:
        """Judge the pairs and return the table of those that reach the floor."""
        splink = self._splink(weights, rarity=True)
        splink.table_management.register_blocked_pairs_for_predict(self._api.register(PAIRS, table_name="bj_pairs"))
        found = splink.inference.predict(threshold_match_probability=self._plan.floor, warning_mode="never")
        return str(found.physical_name)

    def _by_chance(self, given: Weights, records: int) -> tuple[FieldWeights, ...]:
        """Return the weights with the shares of the levels among pairs picked at random, less the matches among these.

        The same rows always give the same pick, and so the same shares.
        """
        share = min(1.0, math.sqrt(2 * self._plan.training_pairs) / records)
        sides = dict.fromkeys(name for one in self.comparisons for name in columns_of(one))
        shown = [
            named(column(name.removesuffix(end), end.removeprefix("_")), name)
            for name in sides
            for end in (LEFT, RIGHT)
            if name.endswith(end)
        ]
        spread = exp.Mul(this=column(ID), expression=exp.Literal.number(_SPREAD))
        place = exp.Mod(this=exp.paren(spread), expression=exp.Literal.number(2**32))
        chosen = exp.LT(this=place, expression=exp.Literal.number(int(share * 2**32)))
        some = exp.select("*").from_(PEOPLE).where(chosen)
        earlier = exp.LT(this=column(ID, "l"), expression=column(ID, "r"))
        pairs = exp.select(*shown).from_(some.subquery("l")).join(some.copy().subquery("r"), on=earlier)
        levels = [named(level_of(one), one.field) for one in self.comparisons]
        self._bench.make("by_chance", exp.select(*levels).from_(pairs.subquery("p")))
        fields = []
        for comparison, weights in zip(self.comparisons, given.fields, strict=True):
            level, count = column(comparison.field), exp.Count(this=exp.Star())
            counts = exp.select(named(level, "level"), named(count, "n")).from_("by_chance").group_by(level.copy())
            rows = self._bench.fetch(counts).to_pylist()
            fields.append(_less_matches(weights, {row["level"]: row["n"] for row in rows}, given.prior))
        self._bench.drop("by_chance")
        return tuple(fields)

    def _splink(self, weights: Weights, *, rarity: bool) -> Splink:
        from splink import Linker, SettingsCreator

        self._tables += 1
        table = self._api.register(PEOPLE, table_name=f"bj_people_{self._tables}")
        made = zip(self.comparisons, weights.fields, strict=True)
        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name=ID,
            comparisons=[_comparison(one, of, self._bench.dialect, rarity=rarity) for one, of in made],
            probability_two_random_records_match=weights.prior,
            retain_matching_columns=False,
            linker_uid=f"bj{self._tables}",
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Linker(table, settings, log_level=None, validate_settings=False)

    def _learned(self, splink: Splink, given: Weights, least: float) -> Weights:
        """Return what Splink learned; ``least`` is the share of a level that no match was met at."""
        model: dict[str, Any] = splink.misc.save_model_to_json()
        fields = []
        for comparison, old, new in zip(self._plan.comparisons, given.fields, model["comparisons"], strict=True):
            told = [level for level in new["comparison_levels"] if not level.get("is_null_level")]
            shares = [float(level["m_probability"]) for level in reversed(told)]
            # A level that was not met keeps the share that it started with; so do all of a field that nothing taught.
            met = [share != level.m for share, level in zip(shares, old.levels, strict=True)]
            levels = [
                LevelWeight(level.level, max(least, rounded(share)) if there or not any(met) else least, level.u)
                for share, level, there in zip(shares, old.levels, met, strict=True)
            ]
            if comparison.different is not None:
                levels[0] = old.levels[0]
            fields.append(FieldWeights(old.field, tuple(levels)))
        return Weights(given.prior, tuple(fields))


def _less_matches(weights: FieldWeights, counts: dict[int, int], prior: float) -> FieldWeights:
    """Return the weights with shares among pairs of which a few (``prior``) are matches; never below those given."""
    total = sum(count for level, count in counts.items() if level >= 0)
    if not total:
        return weights
    shares = [counts.get(place, 0) / total - prior * level.m for place, level in enumerate(weights.levels)]
    return FieldWeights(
        weights.field,
        tuple(
            LevelWeight(level.level, level.m, rounded(max(share, level.u if place else _LEAST)))
            for place, (level, share) in enumerate(zip(weights.levels, shares, strict=True))
        ),
    )


def _comparison(comparison: Comparison, weights: FieldWeights, dialect: str, *, rarity: bool) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": comparison.missing.sql(dialect), "label_for_charts": MISSING, "is_null_level": True}
    ]
    for level, weight in zip(comparison.levels, reversed(weights.levels[1:]), strict=True):
        one: dict[str, Any] = {"sql_condition": level.test.sql(dialect), "label_for_charts": level.name}
        one |= {"m_probability": weight.m, "u_probability": weight.u}
        if rarity and level.rarity:
            one |= {"tf_adjustment_column": level.rarity, "disable_tf_exact_match_detection": True}
        levels.append(one)
    rest = weights.levels[0]
    levels.append(
        {"sql_condition": "ELSE", "label_for_charts": DIFFERENT, "m_probability": rest.m, "u_probability": rest.u}
    )
    return {"output_column_name": comparison.field, "comparison_levels": levels}
