package io.turnstile.embedded;

import io.netty.channel.EventLoopGroup;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.openflow.BridgeAgent;
import io.turnstile.openflow.OpenFlowAgent;
import io.turnstile.path.PathKeeper;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.port.Port;
import io.turnstile.time.ManualClock;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the bridges of one embedded switch share, and the frame around every call of a test: it is refused once the
 * switch is closed, and what went wrong meanwhile is thrown at its end.
 *
 * <p>Threads: the test's; failures come from any.
 */
final class SwitchCore {
    final ManualClock clock;
    final Conntrack tracker;
    final Datapath datapath;
    final Pipeline pipeline;
    final OffloadDispatcher dispatcher;
    final PathKeeper paths;
    final Failures failures = new Failures();
    private final ForwardingContext context;
    private final Set<PortName> missingOutputs = ConcurrentHashMap.newKeySet();
    /** Ports that the test took away: it knows that they are missing. */
    private final Set<PortName> excused = ConcurrentHashMap.newKeySet();

    private final boolean missingPortsAllowed;
    /** Null until a bridge is first spoken to over OpenFlow. */
    private @Nullable EventLoopGroup eventLoops;

    private boolean settling;
    private boolean closed;

    private record PortName(OpenFlowSwitch bridge, int number) {}

    SwitchCore(EmbeddedSwitchBuilder from, Conntrack tracker) {
        this.tracker = tracker;
        clock = from.clock();
        missingPortsAllowed = from.missingPortsAllowed();
        datapath = new Datapath(tracker, clock);
        datapath.onFailure(failures::record);
        context = datapath.newContext();
        pipeline = new Pipeline(datapath, clock, Runnable::run);
        pipeline.onEventFailure(failure -> failures.record("a listener of OpenFlow events", failure));
        pipeline.onOutputToMissingPort(this::outputToMissingPort);
        dispatcher = OffloadDispatcher.drainedByCaller(tracker, clock, pipeline.switchPorts());
        pipeline.switchPorts().onChange(dispatcher::portsChanged);
        paths = new PathKeeper(datapath, tracker, pipeline.switchPorts(), clock);
        paths.setBook(dispatcher.paths());
        datapath.setWalkWatcher(paths);
    }

    /** Under the pipeline's lock: the flows at fault are looked up once that is free. */
    private void outputToMissingPort(BridgePipeline bridge, int number) {
        PortName port = new PortName(bridge, number);
        if (!missingPortsAllowed && EmbeddedPorts.isNumber(number) && !excused.contains(port)) {
            missingOutputs.add(port);
        }
    }

    /** Output to that port is dropped from now on, as a switch does. */
    void excuseMissing(OpenFlowSwitch bridge, int number) {
        excused.add(new PortName(bridge, number));
    }

    /** Asks what would become of a packet: none is missed at a port that is not there. */
    String trace(Supplier<String> trace) {
        check();
        String text = trace.get();
        missingOutputs.clear();
        return text;
    }

    // ---- the frame around calls ----

    void run(Runnable call) {
        call(() -> {
            call.run();
            return null;
        });
    }

    <T> T call(Supplier<T> call) {
        requireOpen();
        T result;
        try {
            result = call.get();
        } catch (RuntimeException | Error e) {
            failures.suppressBy(e);
            throw e;
        }
        check();
        return result;
    }

    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("this switch is closed");
        }
    }

    void check() {
        for (Iterator<PortName> each = missingOutputs.iterator(); each.hasNext(); ) {
            PortName missing = each.next();
            each.remove();
            failures.recordMissingPort(missing.bridge, missing.number);
        }
        failures.check();
    }

    // ---- what makes it go ----

    /** Carries through whatever waits at ports, offload events included. What is received meanwhile joins in. */
    void settle() {
        if (settling) {
            return;
        }
        settling = true;
        try {
            while (receiveOnce()) {
                // until no port has anything left
            }
            drainOffload();
        } finally {
            settling = false;
        }
    }

    /** Has providers told of what is new, and offered the paths that come of it. */
    void drainOffload() {
        do {
            dispatcher.drain();
        } while (paths.drain());
    }

    private boolean receiveOnce() {
        boolean busy = false;
        for (Map.Entry<Integer, Port> port : datapath.ports().entrySet()) {
            busy |= datapath.receiveAndProcess(port.getKey(), port.getValue(), context) > 0;
        }
        return busy;
    }

    /** Connections no longer say that they come in by a port that is not there; housekeeping need not come by first. */
    void forgetRemovedPorts() {
        datapath.maintain(clock.nowNs());
    }

    /** What housekeeping does twice a second. */
    void tick() {
        long nowNs = clock.nowNs();
        datapath.maintain(nowNs);
        pipeline.maintain(nowNs);
        pipeline.switchPorts().refresh(); // The test may have given ports other addresses.
        tracker.sweepAll(nowNs);
        drainOffload();
    }

    /** Lets a bridge be spoken to over OpenFlow. All share one event loop, which starts with the first. */
    BridgeAgent newAgent(OpenFlowSwitch bridge) {
        if (eventLoops == null) {
            eventLoops = OpenFlowAgent.newEventLoop();
        }
        return new OpenFlowAgent(eventLoops, clock, failure -> failures.record("an OpenFlow request", failure))
                .attach(bridge);
    }

    // ---- the end ----

    boolean isClosed() {
        return closed;
    }

    /** Providers first, then controllers, then the rest; whatever fails on the way, the others are closed too. */
    void close(Iterable<EmbeddedBridge> bridges) {
        closed = true;
        attempt("closing offload", dispatcher::close);
        bridges.forEach(bridge -> attempt("closing the controllers of " + bridge.name(), bridge::closeAgent));
        if (eventLoops != null) {
            EventLoopGroup loops = eventLoops;
            attempt("closing the event loops", () -> loops.shutdownGracefully(0, 1, TimeUnit.SECONDS));
        }
        attempt("closing the pipeline", pipeline::close);
        attempt("retiring the forwarding context", () -> datapath.retire(context));
        bridges.forEach(bridge -> attempt("closing the ports of " + bridge.name(), bridge::closePorts));
        check();
    }

    private void attempt(String what, Runnable step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            failures.record(what, e);
        }
    }
}
