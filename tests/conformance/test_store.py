"""What every store must do, whatever database is behind it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdp.domain.answer import Answer
from pdp.domain.merkle import EMPTY_ROOT, root_of
from pdp.domain.records import (
    Changes,
    DecisionRecord,
    Leaf,
    OutcomeRecord,
    RequestKey,
    RequestRecord,
)
from pdp.domain.task import Rollup, Task
from pdp.domain.values import Decision, Sensitivity
from pdp.ports import NotRecorded, Snapshot, StoredLeaf, StoreInUse, Wanted
from pdp.store.sqlite import SqliteStore, open_store
from tests.conformance import records
from tests.conformance.changes import START_US, History
from tests.conformance.stores import PLACES, SqlitePlace, everything, leaf, now

LATE_US = 25 * 3600 * 1_000_000
FEW = settings(max_examples=25, deadline=None)


def claims(task: Task) -> tuple[object, ...]:
    """What equality of subjects leaves out."""
    return task.subject.properties, task.principal.properties, task.opened_by.properties


class TestRecords:
    @FEW
    @given(task=records.TASKS)
    def test_a_task_comes_back_as_it_was(self, roomy: SqliteStore, task: Task) -> None:
        roomy.commit(now(roomy, tasks=(task,)))
        found = roomy.load(Wanted(tasks=frozenset({task.id}))).tasks
        assert found == {task.id: task}
        assert claims(found[task.id]) == claims(task)

    @FEW
    @given(key=records.TEXT, rollup=records.ROLLUPS)
    def test_a_rollup_comes_back_as_it_was(
        self, roomy: SqliteStore, key: str, rollup: Rollup
    ) -> None:
        roomy.commit(now(roomy, rollups=((key, rollup),)))
        assert roomy.load(Wanted(rollups=frozenset({key}))).rollups == {key: rollup}

    @FEW
    @given(record=records.DECISIONS, data=st.data())
    def test_a_decision_and_its_input_come_back_as_they_were(
        self, roomy: SqliteStore, record: DecisionRecord, data: st.DataObject
    ) -> None:
        index = roomy.log_state().size
        record = replace(record, id=f"{record.id}-{index}", leaf_index=index)
        document = data.draw(records.inputs_of(record))
        roomy.commit(now(roomy, leaves=(leaf(record.id),), decisions=(record,), inputs=(document,)))
        found = roomy.load(Wanted(decisions=frozenset({record.id})))
        assert found == Snapshot(decisions={record.id: record})
        assert roomy.input(record.id) == document
        assert roomy.decision(record.id) == record

    @FEW
    @given(record=records.OUTCOMES)
    def test_an_outcome_comes_back_with_its_decision_as_it_was(
        self, roomy: SqliteStore, record: OutcomeRecord
    ) -> None:
        index = roomy.log_state().size
        record = replace(record, decision_id=f"{record.decision_id}-{index}")
        roomy.commit(now(roomy, leaves=(leaf(record.decision_id),), outcomes=(record,)))
        found = roomy.load(Wanted(decisions=frozenset({record.decision_id})))
        assert found.outcomes == {record.decision_id: record}
        assert roomy.outcome(record.decision_id) == record

    @FEW
    @given(record=records.REQUESTS)
    def test_an_answered_request_comes_back_as_it_was(
        self, roomy: SqliteStore, record: RequestRecord
    ) -> None:
        index = roomy.log_state().size
        key = replace(record.key, request_id=f"{record.key.request_id}-{index}")
        # Not one that is due to be forgotten.
        valid = max(record.answer.valid_until_us, START_US)
        record = replace(record, key=key, answer=replace(record.answer, valid_until_us=valid))
        roomy.commit(now(roomy, leaves=(leaf("r"),), requests=(record,)))
        assert roomy.load(Wanted(requests=frozenset({key}))).requests == {key: record}

    def test_what_was_never_committed_is_absent(self, store: SqliteStore) -> None:
        wanted = Wanted(
            tasks=frozenset({"t"}),
            rollups=frozenset({"k"}),
            requests=frozenset({RequestKey("c", "Authorize", "r")}),
            decisions=frozenset({"d"}),
            approvals=frozenset({"a"}),
            calls=frozenset({("t", "b")}),
            aims=frozenset({("t", "aim")}),
            questions=frozenset({"t"}),
            grants=frozenset({"g"}),
            grants_of=frozenset({"t"}),
        )
        assert store.load(wanted) == Snapshot()
        assert store.input("d") is None
        assert store.decision("d") is None
        assert store.outcome("d") is None
        assert store.approval("a") is None
        assert store.grant("g") is None

    def test_request_ids_of_other_callers_and_rpcs_are_other_requests(
        self, store: SqliteStore
    ) -> None:
        record = RequestRecord(
            RequestKey("caller", "Authorize", "1"),
            "digest",
            Answer(Decision.DENY, (), START_US, START_US + LATE_US),
        )
        store.commit(now(store, requests=(record,)))
        others = frozenset(
            {
                RequestKey("caller2", "Authorize", "1"),
                RequestKey("caller", "StartTask", "1"),
                RequestKey("callerAuthorize", "", "1"),
                RequestKey("caller", "Authorize", "11"),
            }
        )
        found = store.load(Wanted(requests=others | {record.key}))
        assert set(found.requests) == {record.key}

    def test_a_later_commit_replaces_tasks_and_rollups(self, store: SqliteStore) -> None:
        history = History()
        first = history.step(store, "t1")
        second = history.step(store, "t1")
        found = store.load(everything(first))
        assert found.tasks == {"t1": second.tasks[0]}
        assert found.rollups == dict(second.rollups)


class TestTheLog:
    def test_a_new_log_is_empty_and_has_an_id_of_its_own(
        self, store: SqliteStore, tmp_path: Path
    ) -> None:
        state = store.log_state()
        assert (state.size, state.root, state.last_at_us) == (0, EMPTY_ROOT, 0)
        other = open_store(tmp_path / "other")
        try:
            assert other.log_state().log_id != state.log_id
        finally:
            other.close()

    @settings(max_examples=15, deadline=None)
    @given(
        batches=st.lists(st.lists(st.sampled_from(["t1", "t2", "t3"]), max_size=5), max_size=8),
        reopened=st.sets(st.integers(0, 7)),
    )
    @pytest.mark.parametrize("kind", PLACES)
    def test_any_commits_give_their_leaves_in_order_under_their_root(
        self, kind: str, batches: list[list[str]], reopened: set[int]
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            place = PLACES[kind](Path(folder) / "data")
            store = place.open()
            history = History(store.log_state().log_id, padding=0)
            expected: list[Leaf] = []
            for number, names in enumerate(batches):
                expected += history.step(store, *names).leaves
                if number in reopened:
                    store.close()
                    store = place.open()
                state = store.log_state()
                assert state.size == len(expected)
                assert state.root == root_of(one.hash for one in expected)
            found = store.leaves(0, len(expected) + 1)
            of_task = [one.leaf for one in store.task_leaves("t1")]
            known = store.load(Wanted(tasks=frozenset({"t1", "t2", "t3"})))
            store.close()
        assert found == [StoredLeaf(index, one) for index, one in enumerate(expected)]
        assert of_task == [one for one in expected if one.task_id == "t1"]
        assert known.tasks == history.tasks

    def test_leaves_are_read_from_any_place_up_to_a_limit(self, store: SqliteStore) -> None:
        history = History()
        made = [*history.step(store, "t1", "t2", "t3").leaves, *history.step(store, "t1").leaves]
        assert [one.leaf for one in store.leaves(1, 2)] == made[1:3]
        assert [one.index for one in store.leaves(3, 10)] == [3]
        assert store.leaves(4, 10) == []

    def test_leaves_of_no_task_are_no_tasks(self, store: SqliteStore) -> None:
        store.commit(now(store, leaves=(leaf("a"), leaf("b"))))
        assert store.task_leaves("") == []
        assert len(store.leaves(0, 9)) == 2

    def test_tasks_are_listed_by_id_in_pages(self, store: SqliteStore) -> None:
        History().step(store, "t3", "t1", "t2")
        first = store.list_tasks(after="", limit=2)
        second = store.list_tasks(after=first[-1].id, limit=2)
        assert [[one.id for one in page] for page in (first, second)] == [["t1", "t2"], ["t3"]]
        assert store.task("t2") == first[1]
        assert store.task("t4") is None

    def test_checkpoints_are_kept_oldest_first(self, store: SqliteStore) -> None:
        for size, text in ((3, "c"), (1, "a"), (2, "b")):
            store.add_checkpoint(size, text)
        assert store.checkpoints() == ["c", "a", "b"]

    def test_the_last_time_never_goes_back(self, store: SqliteStore) -> None:
        store.commit(Changes(at_us=1_000, first_index=0, leaves=(leaf("a"),)))
        store.commit(Changes(at_us=900, first_index=1, leaves=(leaf("b"),)))
        assert store.log_state().last_at_us == 1_000


class TestAllOrNothing:
    @pytest.mark.parametrize("what", ["decision", "request", "input", "leaf", "text"])
    def test_a_batch_with_one_bad_element_leaves_nothing(
        self, store: SqliteStore, what: str
    ) -> None:
        history = History()
        before = history.step(store, "t1")
        state = store.log_state()
        batch = history.decide("t1", "t2", "t3")
        match what:
            case "decision":
                twice = replace(batch.decisions[2], id=before.decisions[0].id)
                bad = replace(batch, decisions=(*batch.decisions[:2], twice))
            case "request":
                again = replace(batch.requests[2], key=before.requests[0].key)
                bad = replace(batch, requests=(*batch.requests[:2], again))
            case "input":
                stray = replace(batch.inputs[2], decision_id="nobody's")
                bad = replace(batch, inputs=(*batch.inputs[:2], stray))
            case "leaf":
                bad = replace(batch, leaves=(*batch.leaves[:2], replace(leaf("x"), hash=b"")))
            case _:
                lone = replace(batch.tasks[2], parent_id="\ud800")
                bad = replace(batch, tasks=(*batch.tasks[:2], lone))
        with pytest.raises(NotRecorded):
            store.commit(bad)
        assert store.log_state() == state
        assert len(store.leaves(0, 9)) == 1
        found = store.load(everything(batch))
        assert found == Snapshot(
            tasks={"t1": before.tasks[0]},
            rollups={k: v for k, v in before.rollups if k in found.rollups},
        )
        # Nothing of it stands in the way of a good one.
        store.commit(batch)
        assert store.log_state().size == 4

    @pytest.mark.parametrize("first_index", [0, 2])
    def test_a_batch_made_for_another_state_of_the_log_is_not_recorded(
        self, store: SqliteStore, first_index: int
    ) -> None:
        history = History()
        history.step(store, "t1")
        with pytest.raises(NotRecorded, match="another state of the log"):
            store.commit(replace(history.decide("t2"), first_index=first_index))
        assert store.log_state().size == 1
        assert store.load(Wanted(tasks=frozenset({"t2"}))) == Snapshot()

    def test_a_batch_without_leaves_is_committed(self, place: SqlitePlace) -> None:
        store = place.open()
        record = RequestRecord(
            RequestKey("c", "Authorize", "1"),
            "digest",
            Answer(Decision.DENY, (), START_US, START_US + LATE_US),
        )
        store.commit(now(store, requests=(record,)))
        store.commit(now(store))
        store.close()
        store = place.open()
        assert store.load(Wanted(requests=frozenset({record.key}))).requests
        assert store.log_state().size == 0
        store.close()

    def test_a_full_disk_records_nothing_and_is_recovered_from(
        self, place: SqlitePlace, store: SqliteStore
    ) -> None:
        history = History(padding=20_000)
        history.step(store, "t1")
        batch = history.decide("t1", "t2")
        with place.full(store):
            with pytest.raises(NotRecorded, match="full"):
                store.commit(batch)
            assert store.log_state().size == 1
        store.commit(batch)
        assert store.log_state().size == 3
        assert store.settle(batch)


class TestItsLife:
    def test_all_is_there_after_closing_and_opening(self, place: SqlitePlace) -> None:
        store = place.open()
        history = History()
        batch = history.step(store, "t1", "t2")
        report = history.report(batch.decisions[0])
        store.commit(report)
        store.add_checkpoint(3, "signed")
        state = store.log_state()
        known = store.load(everything(batch))
        store.close()
        store = place.open()
        assert store.log_state() == state
        assert store.load(everything(batch)) == known
        assert known.outcomes
        assert store.checkpoints() == ["signed"]
        store.close()

    def test_a_second_writer_is_refused_until_the_first_has_closed(
        self, place: SqlitePlace
    ) -> None:
        first = place.open()
        with pytest.raises(StoreInUse):
            place.open()
        # The refused one has not loosened the lock.
        with pytest.raises(StoreInUse):
            place.open()
        first.close()
        place.open().close()

    def test_closing_twice_is_closing_once(self, place: SqlitePlace) -> None:
        first = place.open()
        first.close()
        second = place.open()
        first.close()
        with pytest.raises(StoreInUse):
            place.open()
        second.close()

    def test_settling_says_whether_a_batch_happened(self, store: SqliteStore) -> None:
        history = History()
        happened = history.step(store, "t1")
        never = history.decide("t1", "t2")
        assert store.settle(happened)
        assert not store.settle(never)
        other = History(size=1).decide("t9", "t1")
        store.commit(other)
        assert not store.settle(never)
        assert store.settle(other)

    def test_settling_after_opening_again_says_the_same(self, place: SqlitePlace) -> None:
        store = place.open()
        history = History()
        happened = history.step(store, "t1")
        never = history.decide("t1")
        store.close()
        store = place.open()
        assert store.settle(happened)
        assert not store.settle(never)
        store.close()


class TestForgettingRequests:
    def answered(self, number: int, valid_until_us: int) -> RequestRecord:
        answer = Answer(Decision.DENY, (), START_US, valid_until_us)
        return RequestRecord(RequestKey("c", "Authorize", str(number)), "digest", answer)

    def test_answers_long_past_their_end_are_forgotten_little_by_little(
        self, store: SqliteStore
    ) -> None:
        old = tuple(self.answered(number, START_US) for number in range(100))
        lasting = self.answered(1000, START_US + 2 * LATE_US)
        store.commit(now(store, requests=(*old, lasting)))
        keys = frozenset(one.key for one in old)
        left = [100]
        for number in range(2000, 2010):
            one = self.answered(number, START_US + 2 * LATE_US)
            store.commit(now(store, at_us=START_US + LATE_US, requests=(one,)))
            left.append(len(store.load(Wanted(requests=keys)).requests))
        steps = [before - after for before, after in pairwise(left)]
        assert left[-1] == 0
        assert max(steps) < 50
        assert store.load(Wanted(requests=frozenset({lasting.key}))).requests

    def test_an_answer_that_has_just_ended_is_still_known(self, store: SqliteStore) -> None:
        ended = self.answered(1, START_US)
        store.commit(now(store, requests=(ended,)))
        later = START_US + 60_000_000
        store.commit(now(store, at_us=later, requests=(self.answered(2, later),)))
        assert store.load(Wanted(requests=frozenset({ended.key}))).requests


def test_sensitivity_and_flags_keep_their_types(store: SqliteStore) -> None:
    history = History()
    batch = history.step(store, "t1")
    found = store.load(everything(batch))
    task = found.tasks["t1"]
    assert isinstance(task.rollup.sensitivity, Sensitivity)
    assert task.registered is True
    assert task.rollup.untrusted is False
