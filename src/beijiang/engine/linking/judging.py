"""Splink, and all that this platform knows of it: how a plan becomes its settings, how it learns, how it judges pairs.

Probabilities follow Fellegi and Sunter (1969); what levels mean for a match is learned without examples, by expectation
maximisation, and how often they hold by chance from pairs picked at random.
"""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from beijiang.engine.binding import DIALECT
from beijiang.engine.linking.bench import Bench
from beijiang.engine.linking.pairing import ID, PAIRS, PEOPLE
from beijiang.engine.linking.plan import Comparison, LinkPlan
from beijiang.engine.linking.results import DIFFERENT, FieldWeights, LevelWeight, Weights, rounded

if TYPE_CHECKING:
    from splink import DuckDBAPI
    from splink import Linker as Splink

__all__ = ["Judge", "level_of", "start"]

_LEAST_M: Final = 1e-4
"""Share among matches of a level that training met in none: nobody knows better than that."""
_LEAST_U: Final = 1e-7
log = logging.getLogger(__name__)


def start(plan: LinkPlan, prior: float) -> Weights:
    """Return the weights that a plan starts with."""
    return Weights(prior, tuple(_start(one) for one in plan.comparisons))


def _start(comparison: Comparison) -> FieldWeights:
    m_rest = max(_LEAST_M, 1 - sum(level.m for level in comparison.levels))
    u_rest = max(_LEAST_U, 1 - sum(level.u for level in comparison.levels))
    alike = [LevelWeight(level.name, level.m, level.u) for level in reversed(comparison.levels)]
    return FieldWeights(comparison.field, (LevelWeight(DIFFERENT, m_rest, u_rest), *alike))


class Judge:
    """Splink over the prepared records of a bench."""

    def __init__(self, bench: Bench, plan: LinkPlan) -> None:
        logging.getLogger("splink").setLevel(logging.ERROR)
        from splink import DuckDBAPI

        self._bench = bench
        self._plan = plan
        self._api: DuckDBAPI = DuckDBAPI(connection=bench.connection)
        self._tables = 0

    def learn(self, given: Weights) -> Weights:
        """Return weights learned from the records, starting from those given."""
        from splink import block_on
        from splink.internals.exceptions import EMTrainingException

        splink = self._splink(given, rarity=False)
        splink.training.estimate_u_using_random_sampling(
            max_pairs=self._plan.training_pairs * 1.01, seed=self._plan.seed
        )
        for columns in self._plan.training:
            try:
                splink.training.estimate_parameters_using_expectation_maximisation(
                    block_on(*columns),
                    estimate_without_term_frequencies=True,
                    max_pairs=self._plan.training_pairs,
                    record_sample_proportion=0.05,
                )
            except EMTrainingException as exc:
                log.info("no pairs to learn from by %s (%s)", columns, type(exc).__name__)
        return self._learned(splink, given)

    def judge(self, weights: Weights) -> str:
        """Judge the pairs and return the table of those that reach the floor."""
        splink = self._splink(weights, rarity=True)
        splink.table_management.register_blocked_pairs_for_predict(self._api.register(PAIRS, table_name="bj_pairs"))
        found = splink.inference.predict(threshold_match_probability=self._plan.floor, warning_mode="never")
        return str(found.physical_name)

    def _splink(self, weights: Weights, *, rarity: bool) -> Splink:
        from splink import Linker, SettingsCreator

        self._tables += 1
        table = self._api.register(PEOPLE, table_name=f"bj_people_{self._tables}")
        pairs = zip(self._plan.comparisons, weights.fields, strict=True)
        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name=ID,
            comparisons=[_comparison(one, of, rarity=rarity) for one, of in pairs],
            probability_two_random_records_match=weights.prior,
            retain_matching_columns=False,
            linker_uid=f"bj{self._tables}",
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Linker(table, settings, log_level=None, validate_settings=False)

    def _learned(self, splink: Splink, given: Weights) -> Weights:
        model: dict[str, Any] = splink.misc.save_model_to_json()
        fields = []
        for old, new in zip(given.fields, model["comparisons"], strict=True):
            told = [level for level in new["comparison_levels"] if not level.get("is_null_level")]
            levels = [
                LevelWeight(
                    was.level,
                    _share(now.get("m_probability"), was.m, _LEAST_M),
                    _share(now.get("u_probability"), was.u, _LEAST_U),
                )
                for was, now in zip(old.levels, reversed(told), strict=True)
            ]
            fields.append(FieldWeights(old.field, tuple(levels)))
        return Weights(given.prior, tuple(fields))


def _share(value: object, otherwise: float, least: float) -> float:
    """Return a learned share; what is no number was not met, of which the share given before tells more."""
    return max(least, rounded(value)) if isinstance(value, float) else otherwise


def _comparison(comparison: Comparison, weights: FieldWeights, *, rarity: bool) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": comparison.missing.sql(DIALECT), "label_for_charts": "missing", "is_null_level": True}
    ]
    for level, weight in zip(comparison.levels, reversed(weights.levels[1:]), strict=True):
        one: dict[str, Any] = {"sql_condition": level.test.sql(DIALECT), "label_for_charts": level.name}
        one |= {"m_probability": weight.m, "u_probability": weight.u}
        if rarity and level.rarity:
            one |= {"tf_adjustment_column": level.rarity, "disable_tf_exact_match_detection": True}
        levels.append(one)
    rest = weights.levels[0]
    levels.append(
        {"sql_condition": "ELSE", "label_for_charts": DIFFERENT, "m_probability": rest.m, "u_probability": rest.u}
    )
    return {"output_column_name": comparison.field, "comparison_levels": levels}


def level_of(comparison: Comparison) -> exp.Expr:
    """Return the number of the level that holds for a pair: -1 missing, 0 different, above it the more alike the higher."""
    case = exp.Case().when(comparison.missing.copy(), exp.Literal.number(-1))
    for place, level in enumerate(comparison.levels):
        case = case.when(level.test.copy(), exp.Literal.number(len(comparison.levels) - place))
    return exp.cast(case.else_(exp.Literal.number(0)), "TINYINT")
