"""The composition root: the only place that knows every part and wires them together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from pdp.arguments import argument_checker
from pdp.bundle import check_rules, default_bundle_path, load_bundles
from pdp.catalogue_file import load_catalogue, parse_catalogue
from pdp.checkpointing import Checkpointer, open_log_key
from pdp.clock import SystemClock
from pdp.decide import ENTRYPOINT, Parts
from pdp.domain.catalogue import Catalogue, Tool
from pdp.domain.facts import ActsOf
from pdp.domain.tool_acts import ToolActs, read_tool
from pdp.engine.binary import find_opa
from pdp.engine.limits import MEBIBYTE, OpaLimits
from pdp.engine.managed import ManagedOpa
from pdp.engine.opa_server import OpaServer
from pdp.feed import ApprovalFeed, tell_expiries
from pdp.identity.address import Address
from pdp.identity.development import identify, local_address, person_named, person_of
from pdp.memory import Memory
from pdp.metrics import Metrics, serve_metrics
from pdp.pipeline import Pipeline
from pdp.ports import Clock, Engine, Records, StoreError
from pdp.preview import ENTRYPOINT as EXPLANATION
from pdp.reader.process import ReaderProcess
from pdp.reading import ReadFirst
from pdp.settings import Settings
from pdp.store.guarded import GuardedStore
from pdp.store.recent import RecentStore
from pdp.store.sqlite import open_store
from pdp.webhook_event import read_secrets
from pdp.webhooks import Webhooks, tell_approvals

if TYPE_CHECKING:
    from pdp.console.server import ConsoleServer
    from pdp.server.grpc_server import GrpcServer

#: How often the state of the parts is looked at; a load balancer asks at about this pace.
WATCH_SECONDS = 0.5

#: A batch that takes longer is stuck: on a disk that hangs, or behind a policy that is loading.
STUCK_SECONDS = 1.0

#: The most that an edited log could lack of a signed checkpoint.
CHECKPOINT_SECONDS = 10.0

#: What the engine is asked: to decide, and to say why.
ENTRYPOINTS = (ENTRYPOINT, EXPLANATION)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy in force: its revision, and the catalogue that came with it."""

    revision: str
    catalogue: Catalogue


def load_policy(engine: Engine, bundles: Sequence[Path], catalogues: Sequence[Path]) -> Policy:
    """Read bundles and catalogue files and put the policy in force.

    The built-in bundle always loads; each further one adds to it.

    Raises:
        BundleRefused: a bundle cannot be read or may not do what it does.
        PolicyRefused: the policy does not compile, or its rules do not match its manifest.
        CatalogueError: a catalogue is not one.
    """
    bundle = load_bundles([default_bundle_path(), *bundles], entrypoints=ENTRYPOINTS)
    tools = [
        tool
        for source, text in bundle.catalogues
        for tool in parse_catalogue(text.encode(), source)
    ]
    catalogue = Catalogue([*tools, *load_catalogue(catalogues)])
    engine.load(bundle.source, lambda rules: check_rules(bundle, rules))
    return Policy(revision=bundle.revision, catalogue=catalogue)


def acts_by_tool(catalogue: Catalogue) -> ActsOf:
    """What the tools of a catalogue do, read once and not with every call."""
    acts = {(tool.server, tool.name): read_tool(tool) for tool in catalogue}

    def read(tool: Tool) -> ToolActs:
        return acts[tool.server, tool.name]

    return read


def make_engine(settings: Settings) -> ManagedOpa | OpaServer:
    """The engine that the settings ask for, without a policy.

    Raises:
        EngineError: the managed OPA is missing, or a file of the settings cannot be used.
    """
    limits = OpaLimits(
        evaluation_ms=settings.evaluation_deadline_ms,
        memory_bytes=settings.engine_memory_mib * MEBIBYTE,
    )
    if settings.engine == "managed" or settings.opa_url is None:
        return ManagedOpa(find_opa(), limits=limits)
    return OpaServer(
        settings.opa_url,
        find_opa(),
        limits=limits,
        ca=settings.opa_ca,
        token_file=settings.opa_token_file,
    )


async def serve(
    settings: Settings,
    announce: Callable[[Sequence[Address]], None],
    announce_console: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is told the addresses once calls are answered.

    `announce_console` is told before where the console is, if there is one.

    Development mode only, until an identity can be configured: the caller checks that.

    Raises:
        StoreError, EngineError, BundleRefused, CatalogueError, CannotListen, BadWebhook,
            CannotServeConsole: it cannot start; the message says why.
    """
    keys = read_secrets(settings.webhook_secret) if settings.webhook_secret else ()
    with contextlib.ExitStack() as held:
        sqlite = open_store(settings.data)
        held.callback(sqlite.close)
        store = GuardedStore(RecentStore(sqlite))
        engine = make_engine(settings)
        held.callback(engine.close)
        loading = asyncio.create_task(
            asyncio.to_thread(load_policy, engine, settings.bundles, settings.catalogues)
        )
        await asyncio.sleep(0)  # So that it begins.
        # Meanwhile: the engine compiles in its own process, and what follows is a sixth of what a
        # start takes.
        from pdp.server.approvals import approval_service
        from pdp.server.grpc_server import OPEN_STREAM_SECONDS, start_server
        from pdp.server.previews import preview_rpcs

        policy = await loading
        metrics = Metrics()
        clock = SystemClock()
        feed = ApprovalFeed(asyncio.get_running_loop())
        pipeline = Pipeline(
            Parts(
                engine=engine,
                store=store,
                clock=clock,
                catalogue=policy.catalogue,
                revision=policy.revision,
                check_arguments=argument_checker(policy.catalogue),
                memory=Memory(),
                acts_of=acts_by_tool(policy.catalogue),
                tell=feed.publish,
                development=settings.dev,
            ),
            observe=metrics.observe,
            queue_calls=settings.queue_calls,
        )
        reader = ReaderProcess()
        held.callback(reader.close)
        metrics.watch(
            queue_calls=lambda: pipeline.waiting,
            engine_restarts=lambda: engine.restarts if isinstance(engine, ManagedOpa) else 0,
            outputs_unread=lambda: reader.unread,
            log_leaves=lambda: sqlite.log_state().size,
        )
        if settings.metrics is not None:
            held.callback(serve_metrics(metrics, settings.metrics).close)
        start_console = _console(settings, pipeline, sqlite, clock)
        checkpointer = Checkpointer(open_log_key(settings.data), sqlite)
        held.callback(checkpointer.write)
        pipeline.start()
        held.callback(pipeline.close)
        console = start_console()
        submitter = metrics.timed(ReadFirst(pipeline, reader))
        server = await start_server(
            [local_address(address) for address in settings.listen],
            submitter=submitter,
            tasks=sqlite,
            identify=identify,
            previews=preview_rpcs(pipeline, sqlite),
            approvals=approval_service(
                submitter, sqlite, feed, person_of, watch_s=OPEN_STREAM_SECONDS
            ),
            console_url="" if console is None else console.url.rstrip("/"),
            overload=metrics.counted(pipeline.refusal),
        )
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: _reload(settings, engine, pipeline))
        if console is not None:
            announce_console(console.url)
        pages = "" if console is None else f"{console.url}approvals/"
        webhooks = Webhooks(settings.webhooks, keys, pages=pages)
        held.callback(webhooks.close)
        server.set_serving(True)
        announce(server.addresses)
        # Not before: it takes as long as a sixth of a start, and nobody waits for it yet.
        reader.start()
        background = [
            asyncio.create_task(_watch(server, engine, store, pipeline)),
            asyncio.create_task(_checkpoint(checkpointer)),
            asyncio.create_task(tell_expiries(feed, sqlite, clock.now_us)),
            asyncio.create_task(tell_approvals(webhooks, feed, sqlite, clock.now_us)),
        ]
        # What is loaded now stays for good, and decisions leave no cycles behind: looking for
        # garbage as often as Python does by default took 4 % of a core under load.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        await stop.wait()
        _log.info("stopping", grace_s=settings.drain_grace_s)
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        draining = [server.drain(settings.drain_grace_s)]
        if console is not None:
            draining.append(console.close())
        await asyncio.gather(*draining)


def _console(
    settings: Settings, pipeline: Pipeline, records: Records, clock: Clock
) -> Callable[[], ConsoleServer | None]:
    """What starts the console of development mode, if one is asked for; its address is taken.

    Raises:
        CannotServeConsole: the address cannot be listened on.
    """
    if settings.console is None:
        return lambda: None
    # They take a fifth of a second to import, and most services have no console.
    from pdp.console.pages import development_console
    from pdp.console.parts import Behind
    from pdp.console.server import listen, serve_console

    listener = listen(settings.console)
    app = development_console(
        Behind(pipeline.submit, records, lambda: pipeline.catalogue, clock.now_us),
        listener.hosts,
        listener.address.port,
        person_named,
    )
    return lambda: serve_console(listener, app, settings.drain_grace_s)


def _reload(settings: Settings, engine: Engine, pipeline: Pipeline) -> None:
    """Load bundles and catalogues again, between two batches; says the result in one line."""

    def load(parts: Parts) -> tuple[Parts, Policy]:
        policy = load_policy(engine, settings.bundles, settings.catalogues)
        changed = replace(
            parts,
            catalogue=policy.catalogue,
            revision=policy.revision,
            check_arguments=argument_checker(policy.catalogue),
            acts_of=acts_by_tool(policy.catalogue),
        )
        return changed, policy

    pipeline.between_batches(load).add_done_callback(
        lambda done: (
            _log.error("policy not loaded, the last good one stays", error=str(done.exception()))
            if done.exception()
            else _log.info(
                "policy loaded",
                revision=done.result().revision,
                tools=len(done.result().catalogue),
            )
        )
    )


async def _watch(
    server: GrpcServer, engine: Engine, store: GuardedStore, pipeline: Pipeline
) -> None:
    """Say NOT_SERVING while a part is out of order, and find out when it works again."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        if store.failing:
            # Nobody may be sending calls any more, so the store would never be tried again.
            pipeline.between_batches(partial(_probe, store))
        stuck = pipeline.busy_s > STUCK_SECONDS
        server.set_serving(engine.ready() and not store.failing and not stuck)


def _probe(store: GuardedStore, parts: Parts) -> tuple[Parts, None]:
    with contextlib.suppress(StoreError):
        store.probe()
    return parts, None


async def _checkpoint(checkpointer: Checkpointer) -> None:
    """Sign the log's state from time to time, off the event loop."""
    while True:
        await asyncio.sleep(CHECKPOINT_SECONDS)
        try:
            await asyncio.to_thread(checkpointer.write)
        except StoreError as error:
            _log.error("no checkpoint written", error=str(error))
