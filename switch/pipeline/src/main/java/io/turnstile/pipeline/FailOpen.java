package io.turnstile.pipeline;

import io.turnstile.pipeline.BridgePipeline.FailMode;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The behaviour of a bridge without controllers, by its {@link FailMode}. A standalone bridge that has none configured
 * is an ordinary switch, by a flow that everybody can see; one whose controllers do not answer becomes one after a
 * while, by a hidden flow above all others.
 *
 * <p>Threads: any; fields under the table lock.
 */
final class FailOpen {
    /** How long a bridge waits for a controller before it switches by itself: three inactivity probes of 5 s. */
    static final long AFTER_NS = 15_000_000_000L;

    private static final int PRIORITY = 0xf0f0f0;
    private static final List<OfAction> NORMAL = List.of(new OfAction.Output(Ports.NORMAL));

    private final Pipeline pipeline;
    private final FlowTables tables;
    private FailMode mode = FailMode.STANDALONE;
    private boolean controllersConfigured;
    private boolean controllerConnected;
    /** What was said last of the same; any thread. */
    private volatile boolean controllerReported;

    private long disconnectedSinceNs;
    /** Null unless the bridge has taken over. */
    private @Nullable Rule hiddenRule;

    FailOpen(Pipeline pipeline, FlowTables tables) {
        this.pipeline = pipeline;
        this.tables = tables;
        this.disconnectedSinceNs = pipeline.nowNs();
        tables.beforeChanges(this::takeUpLateReport);
    }

    void setMode(FailMode wanted) {
        pipeline.change(effects -> {
            if (wanted == mode) {
                return;
            }
            mode = wanted;
            if (!controllersConfigured) {
                restart(effects);
            }
            update(effects, pipeline.nowNs());
        });
    }

    void setControllersConfigured(boolean anyConfigured) {
        pipeline.change(effects -> {
            if (anyConfigured == controllersConfigured) {
                return;
            }
            controllersConfigured = anyConfigured;
            disconnectedSinceNs = pipeline.nowNs();
            restart(effects);
            update(effects, pipeline.nowNs());
        });
    }

    /**
     * An event loop says so, which must not wait: if a long change is being made, {@link #update} takes it up later.
     */
    void setControllerConnected(boolean anyConnected) {
        controllerReported = anyConnected;
        pipeline.changeUnlessBusy(effects -> update(effects, pipeline.nowNs()));
    }

    /** A controller's flows do not take effect while the bridge still does without it. */
    private void takeUpLateReport(Effects effects) {
        if (controllerReported != controllerConnected) {
            update(effects, pipeline.nowNs());
        }
    }

    /** Whether a controller is there. */
    boolean isControllerConnected() {
        return controllerConnected;
    }

    private void takeUpReport(Effects effects, long nowNs) {
        boolean connected = controllerReported;
        if (controllerConnected != connected) {
            effects.include(new GroupsWatchingController(tables.groups()));
        }
        if (controllerConnected && !connected) {
            disconnectedSinceNs = nowNs;
        }
        controllerConnected = connected;
    }

    private void restart(Effects effects) {
        tables.clear(effects);
        installDefaultFlow(effects);
    }

    /** Adds the flow of a standalone bridge without controllers, if this is one. */
    void installDefaultFlow(Effects effects) {
        if (!controllersConfigured && mode == FailMode.STANDALONE) {
            tables.modification(effects, pipeline.nowNs()).addInternal(Rule.internal(0, NORMAL, pipeline.nowNs()));
        }
    }

    /** Whether {@link #update} is due once in a while: controllers are missed, or a report was not taken up. */
    boolean isWaiting() {
        return isMissing() || controllerReported != controllerConnected;
    }

    private boolean isMissing() {
        return controllersConfigured && !controllerConnected;
    }

    /** Takes over if controllers have been missed for too long, gives back if one is there. */
    void update(Effects effects, long nowNs) {
        takeUpReport(effects, nowNs);
        boolean wanted = isMissing() && mode == FailMode.STANDALONE && nowNs - disconnectedSinceNs >= AFTER_NS;
        Rule present = hiddenRule;
        if (wanted == (present != null)) {
            return;
        }
        FlowModification modification = tables.modification(effects, nowNs);
        if (present == null) {
            Rule added = Rule.internal(PRIORITY, NORMAL, nowNs);
            modification.addInternal(added);
            hiddenRule = added;
        } else {
            modification.remove(present);
            hiddenRule = null;
        }
    }

    boolean isStandalone() {
        return pipeline.read(() -> mode == FailMode.STANDALONE && (!controllersConfigured || hiddenRule != null));
    }
}
