package io.turnstile.offload.conformance;

import io.turnstile.offload.provider.fault.HoldingProvider;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** Faults that a provider's author may well build in, beside those that ship: what else the kit has to find. */
final class OddProviders {
    private OddProviders() {}

    /** Declines, with another reason for each connection. */
    static final class ReasonForEach extends HoldingProvider {
        ReasonForEach() {
            super("p");
        }

        @Override
        public Verdict canOffload(ConnView connection) {
            return Verdict.decline("no room for " + connection.id());
        }
    }

    /** Its answers about last use jump back and forth within what is believable. */
    static final class GoingBack extends HoldingProvider {
        private final AtomicLong turn = new AtomicLong();

        GoingBack() {
            super("p");
        }

        @Override
        public long connUpdate(ConnView connection) {
            return wallMs() - (turn.incrementAndGet() % 2) * 500;
        }
    }

    /** Keeps every view it ever saw. */
    static final class Hoarder extends HoldingProvider {
        private final Queue<ConnView> seen = new ConcurrentLinkedQueue<>();

        Hoarder() {
            super("p");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            seen.add(connection);
            return super.connAdd(connection);
        }
    }

    static final class Named extends HoldingProvider {
        Named(String name) {
            super(name);
        }
    }

    /** Another priority each time. */
    static final class Rising extends HoldingProvider {
        private final AtomicInteger priority = new AtomicInteger();

        Rising() {
            super("p");
        }

        @Override
        public int priority() {
            return priority.incrementAndGet();
        }
    }

    /** Takes a connection as soon as it is asked whether it would. */
    static final class Grabbing extends HoldingProvider {
        Grabbing() {
            super("p");
        }

        @Override
        public Verdict canOffload(ConnView connection) {
            letGo(connection);
            hold(connection);
            return Verdict.accept();
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            return Verdict.accept(); // it holds it already
        }
    }

    /** Does not take a connection that it had before. */
    static final class NeverTwice extends HoldingProvider {
        private final Set<Long> known = ConcurrentHashMap.newKeySet();

        NeverTwice() {
            super("p");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            if (!known.add(connection.id())) {
                throw new IllegalStateException("known already");
            }
            return super.connAdd(connection);
        }
    }

    /** Cannot let go of what never had a reply. */
    static final class NeedsTheReply extends HoldingProvider {
        NeedsTheReply() {
            super("p");
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            super.connDel(connection, reason);
            connection.replyIngress().number();
        }
    }

    /** Does not know every reason. */
    static final class NotThisReason extends HoldingProvider {
        NotThisReason() {
            super("p");
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            super.connDel(connection, reason);
            if (reason == DelReason.PORT_EXCLUDED) {
                throw new IllegalArgumentException("what is that?");
            }
        }
    }

    /** Says that it does not cover both directions yet, and does not expect to be asked again. */
    static final class NotAskedTwice extends HoldingProvider {
        private final Set<Long> asked = ConcurrentHashMap.newKeySet();

        NotAskedTwice() {
            super("p");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            asked.remove(connection.id());
            return super.connAdd(connection);
        }

        @Override
        public boolean connEstablished(ConnView connection, PortRef replyIngress) {
            if (!asked.add(connection.id())) {
                throw new IllegalStateException("told before");
            }
            return false;
        }
    }

    /** Answers one result too few. */
    static final class TooFewResults extends HoldingProvider {
        TooFewResults() {
            super("p");
        }

        @Override
        public List<OffloadResult> operate(List<OffloadOperation> operations) {
            return super.operate(operations).subList(1, operations.size());
        }
    }

    /** Answers updates in bulk with a result of another kind. */
    static final class WrongKindOfResult extends HoldingProvider {
        WrongKindOfResult() {
            super("p");
        }

        @Override
        public OffloadResult operateOne(OffloadOperation operation) {
            OffloadResult result = super.operateOne(operation);
            return operation instanceof OffloadOperation.Update ? OffloadResult.DONE : result;
        }
    }

    /** Has null for a result. */
    static final class NullResult extends HoldingProvider {
        NullResult() {
            super("p");
        }

        @Override
        public OffloadResult operateOne(OffloadOperation operation) {
            OffloadResult result = super.operateOne(operation);
            return operation instanceof OffloadOperation.Established ? null : result;
        }
    }

    /** Declines UDP; in bulk it gives the verdicts on several connections in the reverse order. */
    static final class VerdictsMixedUp extends HoldingProvider {
        private static final int UDP = 17;

        VerdictsMixedUp() {
            super("p");
        }

        @Override
        public Verdict canOffload(ConnView connection) {
            return connection.protocol() == UDP ? Verdict.decline("udp") : Verdict.accept();
        }

        @Override
        public List<OffloadResult> operate(List<OffloadOperation> operations) {
            List<OffloadResult> results = new ArrayList<>(super.operate(operations));
            List<OffloadResult> verdicts =
                    results.stream().filter(Verdict.class::isInstance).toList();
            int left = verdicts.size();
            for (int i = 0; i < results.size(); i++) {
                if (results.get(i) instanceof Verdict) {
                    results.set(i, verdicts.get(--left));
                }
            }
            return results;
        }
    }

    /** Says yes to everything in bulk, and forgot to do it. */
    static final class BulkWithoutEffect extends HoldingProvider {
        BulkWithoutEffect() {
            super("p");
        }

        @Override
        public OffloadResult operateOne(OffloadOperation operation) {
            return switch (operation) {
                case OffloadOperation.Query query -> Verdict.accept();
                case OffloadOperation.Established established -> new OffloadResult.Covered(true);
                case OffloadOperation.Changed changed -> OffloadResult.DONE;
                case OffloadOperation.Update update -> new OffloadResult.LastUsed(0);
                case OffloadOperation.Add add -> OffloadResult.DONE;
                case OffloadOperation.Delete delete -> OffloadResult.DONE;
                case OffloadOperation.Flush flush -> OffloadResult.DONE;
            };
        }
    }

    /** Its device obeys only the thread that came first. */
    static final class OneThreadOnly extends HoldingProvider {
        private final AtomicReference<Thread> master = new AtomicReference<>();

        OneThreadOnly() {
            super("p");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            Thread caller = Thread.currentThread();
            if (!master.compareAndSet(null, caller) && master.get() != caller) {
                throw new IllegalStateException("who are you?");
            }
            return super.connAdd(connection);
        }
    }

    /** Once it was flushed it takes nothing any more, also after the next init. */
    static final class LeavesForGood extends HoldingProvider {
        private volatile boolean leaving;

        LeavesForGood() {
            super("p");
        }

        @Override
        public Verdict canOffload(ConnView connection) {
            return leaving ? Verdict.decline("leaving") : Verdict.accept();
        }

        @Override
        public boolean connFlush(DelReason reason) {
            leaving = true;
            return super.connFlush(reason);
        }
    }

    /** Says that it let go of everything and does not. */
    static final class FlushesNothing extends HoldingProvider {
        FlushesNothing() {
            super("p");
        }

        @Override
        public boolean connFlush(DelReason reason) {
            return true;
        }
    }

    /** Flushes when told in bulk, and does not when told by the single callback. */
    static final class FlushesInBulkOnly extends HoldingProvider {
        FlushesInBulkOnly() {
            super("p");
        }

        @Override
        public boolean connFlush(DelReason reason) {
            return false;
        }

        @Override
        public OffloadResult operateOne(OffloadOperation operation) {
            if (operation instanceof OffloadOperation.Flush flush) {
                super.connFlush(flush.reason());
                return OffloadResult.DONE;
            }
            return super.operateOne(operation);
        }
    }

    /** Does not know how to flush, and says so: no fault at all. */
    static final class OneByOne extends HoldingProvider {
        OneByOne() {
            super("p");
        }

        @Override
        public boolean connFlush(DelReason reason) {
            return false;
        }
    }

    /** Leaves something behind in its device. */
    static final class LeavesSomething extends HoldingProvider {
        LeavesSomething() {
            super("p");
        }

        @Override
        public void close() {
            super.close();
            hold(SampleConnections.established(1 << 20));
        }
    }

    /** Works until it is closed for the first time. */
    static final class OnceOnly extends HoldingProvider {
        private volatile boolean used;

        OnceOnly() {
            super("p");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            if (used) {
                throw new IllegalStateException("device is gone");
            }
            return super.connAdd(connection);
        }

        @Override
        public void close() {
            super.close();
            used = true;
        }
    }
}
