package io.turnstile.offload.conformance;

import io.turnstile.offload.provider.fault.Callback;
import io.turnstile.offload.provider.fault.HoldingProvider;
import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;

/** Faults that a provider's author may well build in, beside those that ship: what else the kit has to find. */
final class OddProviders {
    /** How many those with a small table have room for: more than any test holds that is not about that. */
    static final int ROOM = 1000;

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
            int[] queries = IntStream.range(0, operations.size())
                    .filter(i -> operations.get(i) instanceof OffloadOperation.Query)
                    .toArray();
            for (int i = 0; i < queries.length / 2; i++) {
                Collections.swap(results, queries[i], queries[queries.length - 1 - i]);
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
                case OffloadOperation.PathPut put -> Verdict.decline("carries nothing");
                case OffloadOperation.PathDel del -> OffloadResult.Carried.UNKNOWN;
                case OffloadOperation.PathStats stats -> OffloadResult.Carried.UNKNOWN;
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

    /** Has room for so many, and looks at its table only when it is asked. */
    static final class FullWhenAskedOnly extends HoldingProvider {
        FullWhenAskedOnly() {
            super("p");
        }

        @Override
        public Verdict canOffload(ConnView connection) {
            return heldCount() < ROOM ? Verdict.accept() : Verdict.later("table full");
        }
    }

    /** Has room for so many, and when it is full it does not say that there may be room later. */
    static final class FullForGood extends HoldingProvider {
        FullForGood() {
            super("p");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            synchronized (this) {
                return heldCount() < ROOM ? super.connAdd(connection) : Verdict.decline("table full");
            }
        }
    }

    /** Has room for so many, and throws when it is full. */
    static final class ThrowsWhenFull extends HoldingProvider {
        ThrowsWhenFull() {
            super("p");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            synchronized (this) {
                if (heldCount() >= ROOM) {
                    throw new IllegalStateException("table full");
                }
                return super.connAdd(connection);
            }
        }
    }

    /** Has room for so many, and once it was full it says so for ever. */
    static final class StaysFull extends HoldingProvider {
        private volatile boolean wasFull;

        StaysFull() {
            super("p");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            synchronized (this) {
                wasFull |= heldCount() >= ROOM;
                return wasFull ? Verdict.later("table full") : super.connAdd(connection);
            }
        }
    }

    /** Answers operations only: no fault. */
    static final class BulkOnly extends HoldingProvider {
        BulkOnly() {
            super("p");
        }

        @Override
        public OffloadResult operateOne(OffloadOperation operation) {
            return switch (operation) {
                case OffloadOperation.Query query -> Verdict.accept();
                case OffloadOperation.Add add -> {
                    hold(add.connection());
                    yield OffloadResult.DONE;
                }
                case OffloadOperation.Established established -> new OffloadResult.Covered(true);
                case OffloadOperation.Changed changed -> OffloadResult.DONE;
                case OffloadOperation.Update update -> new OffloadResult.LastUsed(0);
                case OffloadOperation.Delete delete -> {
                    letGo(delete.connection());
                    yield OffloadResult.DONE;
                }
                case OffloadOperation.PathPut put -> Verdict.decline("carries nothing");
                case OffloadOperation.PathDel del -> OffloadResult.Carried.UNKNOWN;
                case OffloadOperation.PathStats stats -> OffloadResult.Carried.UNKNOWN;
                case OffloadOperation.Flush flush -> OffloadResult.ONE_BY_ONE;
            };
        }

        @Override
        protected void meet(Callback callback) {
            switch (callback) {
                case CAN_OFFLOAD, ADD, ESTABLISHED, CHANGED, UPDATE, DEL, FLUSH ->
                    throw new UnsupportedOperationException("by operate only");
                case INIT, CLOSE, OPERATE, DESCRIBE, PORT, SETTINGS -> {}
            }
        }
    }

    /** Wants connections once they are established: no fault. */
    static final class EstablishedOnly extends HoldingProvider {
        EstablishedOnly() {
            super("p");
        }

        @Override
        public OfferMoment offeredFrom() {
            return OfferMoment.ESTABLISHED;
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            if (!connection.established() || connection.replyIngress() == null) {
                throw new IllegalStateException("came too early");
            }
            return super.connAdd(connection);
        }
    }

    /** Does not say from when on it wants connections. */
    static final class NoMoment extends HoldingProvider {
        NoMoment() {
            super("p");
        }

        @Override
        public OfferMoment offeredFrom() {
            return null;
        }
    }

    /** Knows a change only once. */
    static final class ChangesOnceOnly extends HoldingProvider {
        private final Map<Long, ConnView> newest = new ConcurrentHashMap<>();

        ChangesOnceOnly() {
            super("p");
        }

        @Override
        public void connChanged(ConnView connection, Set<ConnChange> changes) {
            if (connection.equals(newest.put(connection.id(), connection))) {
                throw new IllegalStateException("nothing has changed");
            }
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            super.connDel(connection, reason);
            newest.remove(connection.id());
        }

        @Override
        public void close() {
            super.close();
            newest.clear();
        }
    }

    /** Throws when told to delete what it does not hold, also when nobody can know whether it does. */
    static final class StrictDeletes extends HoldingProvider {
        StrictDeletes() {
            super("p");
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            if (!letGo(connection)) {
                throw new IllegalStateException("deleted without being held");
            }
        }
    }

    /** Its device knows tuples only, and rules are removed when the next one is made. */
    static final class LateDeletes extends HoldingProvider {
        private final Map<TupleView, ConnView> rules = new HashMap<>();
        private final List<TupleView> toRemove = new ArrayList<>();

        LateDeletes() {
            super("p");
        }

        @Override
        public synchronized Verdict connAdd(ConnView connection) {
            Verdict verdict = super.connAdd(connection);
            rules.put(connection.original(), connection);
            for (TupleView tuple : toRemove) {
                ConnView removed = rules.remove(tuple);
                if (removed != null) {
                    letGo(removed);
                }
            }
            toRemove.clear();
            return verdict;
        }

        @Override
        public synchronized void connDel(ConnView connection, DelReason reason) {
            letGo(connection);
            toRemove.add(connection.original());
        }

        @Override
        public void close() {
            super.close();
            rules.clear();
            toRemove.clear();
        }
    }

    /** Its device knows nothing of zones: a rule takes the place of another one with the same tuple. */
    static final class Zoneless extends HoldingProvider {
        private final Map<TupleView, ConnView> rules = new ConcurrentHashMap<>();

        Zoneless() {
            super("p");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            ConnView former = rules.put(connection.original(), connection);
            if (former != null) {
                letGo(former);
            }
            return super.connAdd(connection);
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            rules.computeIfPresent(connection.original(), (tuple, rule) -> rule.id() == connection.id() ? null : rule);
            letGo(connection);
        }

        @Override
        public void close() {
            super.close();
            rules.clear();
        }
    }

    /** Tells the switch that it has lost what it never had. */
    static final class LosesWhatItNeverHad extends HoldingProvider {
        LosesWhatItNeverHad() {
            super("p");
        }

        @Override
        public long connUpdate(ConnView connection) {
            context().lost(-connection.id(), "never had");
            return super.connUpdate(connection);
        }
    }

    /** Has a counter that nothing can show. */
    static final class Miscounting extends HoldingProvider {
        private final String counter;

        Miscounting(String counter) {
            super("p");
            this.counter = counter;
        }

        @Override
        public void init(ProviderContext context) throws Exception {
            super.init(context);
            context.counter(counter, "what it counts").add(1);
        }
    }

    /** Tells the switch what cannot be about what it carried. */
    static final class TellsNonsense extends HoldingProvider {
        TellsNonsense() {
            super("p");
        }

        @Override
        public void connChanged(ConnView connection, Set<ConnChange> changes) {
            context().used(connection.id(), wallMs() + 3_600_000, 1, 1);
        }
    }

    /** Gives the counts of what it carried back when it lets go: no fault. */
    static final class GivesBack extends HoldingProvider {
        GivesBack() {
            super("p");
        }

        @Override
        public OffloadResult operateOne(OffloadOperation operation) {
            OffloadResult result = super.operateOne(operation);
            return operation instanceof OffloadOperation.Delete delete && result instanceof OffloadResult.Done
                    ? new OffloadResult.Released(
                            wallMs(), 10, 640, delete.connection().tcp())
                    : result;
        }
    }

    /** What it gives back is less than nothing. */
    static final class GivesBackTooLittle extends HoldingProvider {
        GivesBackTooLittle() {
            super("p");
        }

        @Override
        public OffloadResult operateOne(OffloadOperation operation) {
            OffloadResult result = super.operateOne(operation);
            return operation instanceof OffloadOperation.Delete && result instanceof OffloadResult.Done
                    ? new OffloadResult.Released(0, -10, -640, null)
                    : result;
        }
    }
}
