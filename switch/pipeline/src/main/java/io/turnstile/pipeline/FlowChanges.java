package io.turnstile.pipeline;

import io.turnstile.pipeline.FlowChange.Event;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.OfAction;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * What became of flows by one change, in the order of its requests: up to a million flows, for which it holds their
 * names and no more.
 *
 * <p>Threads: any; immutable.
 */
public final class FlowChanges {
    /** Flows to which the same happened. */
    private static final class Run {
        private final Event event;
        private final @Nullable FlowRemovedReason reason;
        private final int xid;
        private final List<Rule> rules = new ArrayList<>(1);
        /** Of each rule, the actions that it had; null if none had others. */
        private final @Nullable List<@Nullable List<OfAction>> formerActions;

        Run(Event event, @Nullable FlowRemovedReason reason, int xid, boolean withFormerActions) {
            this.event = event;
            this.reason = reason;
            this.xid = xid;
            this.formerActions = withFormerActions ? new ArrayList<>(1) : null;
        }

        boolean goesOn(Event next, @Nullable FlowRemovedReason why, int nextXid, boolean withFormerActions) {
            return event == next && reason == why && xid == nextXid && withFormerActions == (formerActions != null);
        }

        FlowChange get(int index) {
            return new FlowChange(
                    event, reason, xid, rules.get(index), formerActions == null ? null : formerActions.get(index));
        }
    }

    private final long number;
    private final @Nullable Object peer;
    private final boolean together;
    private final List<Run> runs;
    private final int size;

    private FlowChanges(long number, @Nullable Object peer, boolean together, List<Run> runs) {
        this.number = number;
        this.peer = peer;
        this.together = together;
        this.runs = runs;
        this.size = runs.stream().mapToInt(run -> run.rules.size()).sum();
    }

    /** Puts changes together while they are made. One thread at a time. */
    static final class Recorder {
        private final List<Run> runs = new ArrayList<>(1);

        void record(
                Event event,
                @Nullable FlowRemovedReason reason,
                int xid,
                Rule rule,
                @Nullable List<OfAction> formerActions) {
            boolean withFormer = formerActions != null;
            Run run = runs.isEmpty() ? null : runs.getLast();
            if (run == null || !run.goesOn(event, reason, xid, withFormer)) {
                run = new Run(event, reason, xid, withFormer);
                runs.add(run);
            }
            run.rules.add(rule);
            if (run.formerActions != null) {
                run.formerActions.add(formerActions);
            }
        }

        boolean isEmpty() {
            return runs.isEmpty();
        }

        FlowChanges finish(long number, @Nullable Object peer, boolean together) {
            return new FlowChanges(number, peer, together, runs);
        }
    }

    /** The number of the change among those of the bridge that were told to anybody. */
    public long number() {
        return number;
    }

    /** Whether this peer has asked for the change. */
    public boolean isOf(Object who) {
        return peer == who;
    }

    /** Whether the flows have changed by one request, or by requests that belong together, rather than each alone. */
    public boolean areTogether() {
        return together;
    }

    /** How many flows have changed. */
    public int size() {
        return size;
    }

    /** Those that have gone and were there at that time. */
    public FlowChanges removedAndThereAt(long timeNs) {
        Recorder kept = new Recorder();
        for (Run run : runs) {
            if (run.event == Event.REMOVED) {
                for (Rule rule : run.rules) {
                    if (rule.wasThereAt(timeNs)) {
                        kept.record(run.event, run.reason, run.xid, rule, null);
                    }
                }
            }
        }
        return kept.finish(number, peer, together);
    }

    /** Each is made when it is asked for. */
    public Iterator<FlowChange> inOrder() {
        return new Iterator<>() {
            private int run;
            private int index;

            @Override
            public boolean hasNext() {
                return run < runs.size();
            }

            @Override
            public FlowChange next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                Run current = runs.get(run);
                FlowChange next = current.get(index++);
                if (index == current.rules.size()) {
                    run++;
                    index = 0;
                }
                return next;
            }
        };
    }
}
