package io.turnstile.datapath;

import io.turnstile.datapath.Upcall.Translation;
import java.util.Arrays;
import java.util.Collection;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * The revision brings flows back that a change of rules has killed, with what is to be done with their packets now:
 * match and counts stay, as if the flow had been changed in place, so that whoever reads datapath flows sees a flow
 * that lives on. Until then packets are translated by themselves; a flow that came of it meanwhile takes the counts
 * over. What is not revised in time is forgotten: the next packet makes a flow of its own.
 *
 * <p>Threads: {@link #await} any, {@link #revise} one at a time.
 */
final class FlowRevision {
    /** How long a round may take: what it is called by has other duties. */
    private static final long LONGEST_NS = 100_000_000L;
    /** Of flows that wait for the next round; as many as a full cache has. */
    private static final int MOST_WAITING = 200_000;

    private final FlowCache cache;
    private final UpcallReference upcall;
    private final FailureLog failures;
    private final ConcurrentLinkedQueue<DatapathFlow> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waitingCount = new AtomicInteger();
    private volatile Supplier<String> logName = () -> "datapath";

    /** Gives a flow's counts to one with the same match. */
    interface Heritage {
        void passOn(DatapathFlow former, DatapathFlow present);
    }

    FlowRevision(FlowCache cache, UpcallReference upcall, FailureLog failures) {
        this.cache = cache;
        this.upcall = upcall;
        this.failures = failures;
    }

    void setLogName(Supplier<String> name) {
        logName = name;
    }

    /** These have died because rules changed, and have been taken out of the cache. */
    void await(Collection<DatapathFlow> killed) {
        for (DatapathFlow flow : killed) {
            if (!flow.isByHand() && waitingCount.get() < MOST_WAITING) {
                waitingCount.incrementAndGet();
                waiting.add(flow);
            }
        }
    }

    /** Deals with all that wait. */
    void revise(long mostIdleNs, long nowNs, Heritage heritage) {
        long beganNs = System.nanoTime(); // how long it takes is a matter of real time
        for (DatapathFlow flow = waiting.poll(); flow != null; flow = waiting.poll()) {
            waitingCount.decrementAndGet();
            if (nowNs - flow.lastUsedNs() <= mostIdleNs && System.nanoTime() - beganNs < LONGEST_NS) {
                revise(flow, nowNs, heritage);
            }
        }
    }

    private void revise(DatapathFlow former, long nowNs, Heritage heritage) {
        DatapathFlow present = cache.find(former.firstKey());
        if (present != null) {
            if (Arrays.equals(present.mask(), former.mask())) {
                heritage.passOn(former, present);
            }
            return;
        }
        try {
            long[] key = Arrays.copyOf(former.firstKey(), FlowKey.WORDS);
            Translation translation = upcall.get().translateAnew(key, nowNs);
            // A flow that looks at less than is looked at now would hold for packets that go another way.
            if (translation != null
                    && translation.cacheable()
                    && former.looksAtAllOf(TagMask.completed(translation.mask()))) {
                install(former, translation);
            }
        } catch (RuntimeException e) {
            failures.report("translation", e);
        }
    }

    private void install(DatapathFlow former, Translation translation) {
        DatapathFlow flow =
                new DatapathFlow(former.firstKey(), former.mask(), translation.actions(), translation.owner(), former);
        boolean installed = false;
        synchronized (cache) { // as FlowUpkeep.install: no change slips in between
            if (upcall.get().isCurrent(translation) && cache.install(flow) == flow) {
                upcall.get().flowInstalled(flow);
                installed = true;
            }
        }
        if (installed) {
            FlowLog.revised(flow, former, logName);
        }
    }
}
