package io.turnstile.offload;

import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * A device with a table of a certain size that goes by zone and tuple, and checks whatever it is told. What it does
 * with a connection the connection's number decides; while it is wild it also does what the SPI allows at random:
 * answers later, fails in mid-list, says "later", loses connections, stays away.
 */
final class ModelProvider implements OffloadProvider {
    /**
     * How a device behaves. Of the chances 0 is never, n one in n.
     *
     * @param room connections that it has room for
     * @param asksFirst it says "later" at the question, too, and not only at the add
     * @param defers of an operation to end later
     * @param throwsUp of a list to end in a throw, or in a result of the wrong length
     * @param loses of an operation to be followed by the loss of some connection
     * @param hangs of a list to stay away for {@code hangNs} at most
     */
    record Manner(
            int room,
            boolean asksFirst,
            OfferMoment offeredFrom,
            boolean flushes,
            int defers,
            int throwsUp,
            int loses,
            int hangs,
            long hangNs,
            boolean carries) {
        /** Any manner. */
        static Manner random(Random random, int hangs, long hangNs) {
            return new Manner(
                    random.nextBoolean() ? Integer.MAX_VALUE : 1 + random.nextInt(200),
                    random.nextBoolean(),
                    random.nextInt(2) == 0
                            ? OfferMoment.COMMITTED
                            : random.nextBoolean() ? OfferMoment.ESTABLISHED : OfferMoment.LASTING,
                    random.nextBoolean(),
                    random.nextInt(3) * 4,
                    random.nextInt(3) * 60,
                    random.nextInt(2) * 50,
                    random.nextInt(2) * hangs,
                    hangNs,
                    random.nextInt(3) != 0);
        }
    }

    static final int NUMBERS_PER_ZONE = 30_000;

    private static final int SERVICE_PORT = 53;

    private record Key(int zone, String tuple) {
        static Key of(int zone, TupleView t) {
            String source = t.source() + ":" + t.sourcePort();
            String destination = t.destination() + ":" + t.destinationPort();
            return new Key(zone, source.compareTo(destination) < 0 ? source + destination : destination + source);
        }
    }

    private static final class Held {
        private final Set<Key> keys;
        private int mark;
        private boolean covered;

        private Held(ConnView c) {
            keys = Set.of(Key.of(c.zone(), c.original())).equals(Set.of(Key.of(c.zone(), c.reply())))
                    ? Set.of(Key.of(c.zone(), c.original()))
                    : Set.of(Key.of(c.zone(), c.original()), Key.of(c.zone(), c.reply()));
            mark = c.mark();
        }
    }

    private record Pending(OfConnection operation, CompletableFuture<OffloadResult> result, int span) {}

    private final String name;
    private final int salt;
    private final Manner manner;
    private final LongSupplier givenUpCount;
    private final LongSupplier wallMs;

    /** While it is not, only numbers decide. */
    volatile boolean isWild = true;
    /** Expiry of what it says is used is a fault; not where the tracker's own steps race. */
    volatile boolean checksExpiry;

    volatile Object mustNotHold;

    // Guarded by this.
    private final Random random;
    private final List<String> faults = new ArrayList<>();
    private ProviderContext context;
    private boolean open;
    private int span;
    private volatile long givenUpBefore;
    private final Map<Long, Held> held = new HashMap<>();
    private final Map<Key, Long> byKey = new HashMap<>();
    private final Set<Long> accepted = new HashSet<>(); // at the question, and not added since
    private final Set<Long> busy = new HashSet<>(); // in a call, or with a result that is to come
    private final Set<Long> uncertain = new HashSet<>(); // a delete may come though it is not held
    private final Set<Long> excused = new HashSet<>(); // failed since init
    private final Set<Long> lost = new HashSet<>();
    private final Map<Long, StringBuilder> histories = new HashMap<>(); // for the messages
    private final List<Pending> pending = new ArrayList<>();
    private final Map<Long, Path> carried = new HashMap<>();
    private final Set<Long> uncertainPaths = new HashSet<>(); // a del may come though it is not carried
    /** Who carries which direction, of all providers. */
    Map<String, ModelProvider> carriers = new ConcurrentHashMap<>();

    private final Map<Long, PortRef> ports = new HashMap<>();
    private Map<String, String> settings = Map.of();

    /** @param givenUpCount how often the switch has given up a call of this provider */
    ModelProvider(String name, int salt, Manner manner, long seed, LongSupplier givenUpCount, LongSupplier wallMs) {
        this.name = name;
        this.salt = salt;
        this.manner = manner;
        this.givenUpCount = givenUpCount;
        this.wallMs = wallMs;
        random = new Random(seed);
    }

    // ---- what numbers decide ----

    static int number(ConnView c) {
        return number(c.zone(), c.original().sourcePort(), c.original().destinationPort());
    }

    static int number(int zone, int sourcePort, int destinationPort) {
        return zone * NUMBERS_PER_ZONE + (sourcePort == SERVICE_PORT ? destinationPort : sourcePort);
    }

    private boolean declines(int number) {
        return (number + salt) % 5 == 0;
    }

    private boolean failsAdd(int number) {
        return isWild && (number + salt) % 23 == 0;
    }

    private boolean failsEstablished(int number) {
        return isWild && (number + salt) % 29 == 0;
    }

    private boolean failsChanged(int number) {
        return isWild && (number + salt) % 31 == 0;
    }

    private boolean failsUpdate(int number) {
        return isWild && (number + salt) % 37 == 0;
    }

    private boolean failsDelete(int number) {
        return isWild && (number + salt) % 41 == 0;
    }

    private static boolean isAlwaysUsed(int number) {
        return number % 4 == 1;
    }

    private long lastUsedMs(int number) {
        return switch (number % 4) {
            case 0 -> 0;
            case 1 -> wallMs.getAsLong();
            case 2 -> wallMs.getAsLong() + 1_000_000;
            default -> wallMs.getAsLong() - 20_000;
        };
    }

    /** Whether it may hold a connection of that number at all. */
    boolean takes(int number) {
        return !declines(number);
    }

    /** Whether it certainly holds a connection that it may have, and has not failed on, if there is room. */
    synchronized boolean keeps(int number, long id) {
        return takes(number) && !excused.contains(id);
    }

    OfferMoment offered() {
        return manner.offeredFrom();
    }

    // ---- what it is found to have ----

    synchronized Set<Long> held() {
        return new TreeSet<>(held.keySet());
    }

    synchronized boolean isFull() {
        return held.size() >= manner.room();
    }

    synchronized int mark(long id) {
        Held entry = held.get(id);
        return entry == null ? -1 : entry.mark;
    }

    synchronized Set<Long> ports() {
        return new TreeSet<>(ports.keySet());
    }

    synchronized Map<String, String> settings() {
        return settings;
    }

    synchronized List<String> faults() {
        return List.copyOf(faults);
    }

    /** Connections that it has said are lost, and was not told to let go of. */
    synchronized Set<Long> lostAndHeld() {
        Set<Long> both = new TreeSet<>(lost);
        both.retainAll(held.keySet());
        return both;
    }

    void sayRoom() {
        ProviderContext present;
        synchronized (this) {
            present = context;
        }
        if (present != null) {
            present.room();
        }
    }

    @Override
    public String toString() {
        return name + " " + manner;
    }

    // ---- life ----

    @Override
    public String name() {
        return name;
    }

    @Override
    public OfferMoment offeredFrom() {
        return manner.offeredFrom();
    }

    @Override
    public boolean carries() {
        return manner.carries();
    }

    @Override
    public synchronized void init(ProviderContext given) {
        check(!open, "init while open");
        if (isWild && manner.throwsUp() > 0 && random.nextInt(8) == 0) {
            throw new IllegalStateException("device does not come up");
        }
        context = given;
        settings = given.settings();
        givenUpBefore = givenUpCount.getAsLong();
        open = true;
    }

    @Override
    public synchronized void close() {
        check(open, "close while closed");
        if (isAbandoned()) { // what it was to let go of when it was given up it may still be about
            pending.stream()
                    .filter(one -> one.span() == span && one.operation() instanceof OffloadOperation.Delete)
                    .forEach(one -> release(one.operation().connection().id()));
        }
        for (long id : held.keySet()) {
            check(false, "close while holding %x after%s".formatted(id, histories.get(id)));
        }
        for (Path path : carried.values()) {
            check(false, "close while carrying " + path.id() + " after" + histories.get(path.connectionId()));
        }
        List.copyOf(carried.values()).forEach(this::drop);
        uncertainPaths.clear();
        open = false;
        span++;
        held.clear();
        byKey.clear();
        accepted.clear();
        busy.clear();
        uncertain.clear();
        excused.clear();
        lost.clear();
        ports.clear();
        histories.clear();
    }

    /** The switch has given it up since it came up: deletes may come of what is not held, or under way. */
    private boolean isAbandoned() {
        return givenUpCount.getAsLong() != givenUpBefore;
    }

    // ---- operations ----

    @Override
    public List<OffloadResult> operate(List<OffloadOperation> operations) {
        Object lock = mustNotHold;
        boolean stays;
        synchronized (this) {
            check(lock == null || !Thread.holdsLock(lock), "called under the tracker's lock");
            begin(operations);
            stays = chance(manner.hangs());
        }
        if (stays) {
            LockSupport.parkNanos((long) (manner.hangNs() * Math.random()));
        } else if (manner.hangs() > 0) {
            Thread.yield();
        }
        synchronized (this) {
            return carryOut(operations);
        }
    }

    private void begin(List<OffloadOperation> operations) {
        check(open, "operations while closed");
        for (OffloadOperation operation : operations) {
            if (operation instanceof OfConnection one) {
                long id = one.connection().id();
                if (isAbandoned()
                        && (one instanceof OffloadOperation.Delete || one instanceof OffloadOperation.PathDel)) {
                    busy.add(id);
                } else {
                    check(busy.add(id), "two operations at once, the second " + text(one));
                }
            } else {
                check(operations.size() == 1 && (busy.isEmpty() || isAbandoned()), "flush beside others: " + busy);
            }
        }
    }

    private List<OffloadResult> carryOut(List<OffloadOperation> operations) {
        boolean fails = chance(manner.throwsUp());
        boolean isLoneDelete = operations.size() == 1
                && (operations.getFirst() instanceof OffloadOperation.Delete
                        || operations.getFirst() instanceof OffloadOperation.PathDel);
        if (fails && operations.getFirst() instanceof OffloadOperation.Flush) {
            throw new IllegalStateException("flush is thrown");
        }
        int end = fails && !isLoneDelete ? random.nextInt(operations.size() + 1) : operations.size();
        List<OffloadResult> results = new ArrayList<>();
        for (int i = 0; i < end; i++) {
            results.add(carryOut(operations.get(i), fails));
        }
        if (!fails) {
            return results;
        }
        for (OffloadOperation operation : operations) {
            if (operation instanceof OfConnection one) {
                noteUnknown(one);
            }
        }
        results.add(OffloadResult.DONE);
        if (end < operations.size() && random.nextBoolean()) {
            return results.subList(0, end);
        }
        throw new IllegalStateException("thrown in mid-list");
    }

    private void noteUnknown(OfConnection operation) {
        long id = operation.connection().id();
        busy.remove(id);
        if (isOfPath(operation)) {
            uncertainPaths.add(pathOf(operation).id());
            return;
        }
        excused.add(id);
        accepted.remove(id);
        if (!(operation instanceof OffloadOperation.Query)) {
            uncertain.add(id);
        }
    }

    private OffloadResult carryOut(OffloadOperation operation, boolean inThrow) {
        if (!(operation instanceof OfConnection one)) {
            OffloadOperation.Flush flush = (OffloadOperation.Flush) operation;
            return flush(flush.reason());
        }
        legal(one);
        note(one, inThrow ? "!" : "");
        if (one instanceof OffloadOperation.Add add && takesInto(add.connection()) instanceof Verdict.Later later) {
            busy.remove(add.connection().id());
            note(one, "later");
            return later;
        }
        if (!inThrow && !isAbandoned() && chance(manner.defers())) {
            Pending begun = new Pending(one, new CompletableFuture<>(), span);
            pending.add(begun);
            note(one, "deferred");
            return new OffloadResult.Deferred(begun.result());
        }
        busy.remove(one.connection().id());
        return result(one);
    }

    /** Whether it may come now. */
    private void legal(OfConnection operation) {
        ConnView c = operation.connection();
        boolean holds = held.containsKey(c.id());
        switch (operation) {
            case OffloadOperation.Query q -> {
                check(!holds, "question about what is known: " + text(q));
                accepted.remove(c.id()); // no add followed: its port had gone, say
                check(manner.offeredFrom() == OfferMoment.COMMITTED || c.established(), "too early: " + text(q));
                uncertain.remove(c.id()); // it has begun anew
            }
            case OffloadOperation.Add a -> check(accepted.remove(c.id()) && !holds, "add out of order: " + text(a));
            case OffloadOperation.Established e ->
                check(holds && !held.get(c.id()).covered && c.established(), "established out of order: " + text(e));
            case OffloadOperation.Changed g ->
                check(holds && !g.changes().isEmpty(), "changed out of order: " + text(g));
            case OffloadOperation.Update u -> check(holds, "update out of order: " + text(u));
            case OffloadOperation.PathPut p -> {
                check(
                        manner.carries()
                                && holds
                                && held.get(c.id()).covered
                                && p.path().connectionId() == c.id(),
                        "path put out of order: " + text(p));
                for (Path other : carried.values()) {
                    check(
                            other.connectionId() != c.id()
                                    || other.direction() != p.path().direction(),
                            "second path of a direction: " + text(p));
                }
            }
            case OffloadOperation.PathDel p ->
                check(
                        carried.containsKey(p.path().id())
                                || uncertainPaths.remove(p.path().id())
                                || isAbandoned(),
                        "path del out of order: " + text(p));
            case OffloadOperation.PathStats p ->
                check(
                        carried.containsKey(p.path().id())
                                || uncertainPaths.contains(p.path().id()),
                        "path stats out of order: " + text(p));
            case OffloadOperation.Delete d -> {
                boolean unknown = uncertain.remove(c.id());
                check(holds || unknown || isAbandoned(), "delete out of order: " + text(d));
                check(
                        carried.values().stream().noneMatch(path -> path.connectionId() == c.id()),
                        "delete while a path is carried: " + text(d));
                boolean expired = d.reason() == DelReason.EXPIRED;
                check(!(expired && holds && checksExpiry && isAlwaysUsed(number(c))), "expired in use: " + text(d));
            }
        }
    }

    /** Gives it a place in the table, if there is one. */
    private OffloadResult takesInto(ConnView c) {
        if (failsAdd(number(c))) {
            return OffloadResult.DONE; // that it fails is said when it is carried out
        }
        if (held.size() >= manner.room() || chance(20)) {
            return Verdict.later("table is full");
        }
        Held entry = new Held(c);
        for (Key key : entry.keys) {
            Long former = byKey.put(key, c.id());
            check(former == null, "add of a tuple that " + former + " has: " + c);
        }
        held.put(c.id(), entry);
        return OffloadResult.DONE;
    }

    private OffloadResult result(OfConnection operation) {
        ConnView c = operation.connection();
        int number = number(c);
        maybeSay(c.id());
        return switch (operation) {
            case OffloadOperation.Query q -> verdict(c);
            case OffloadOperation.Add a -> held.containsKey(c.id()) ? OffloadResult.DONE : failed(c, "add");
            case OffloadOperation.Established e -> {
                if (failsEstablished(number)) {
                    yield failed(c, "established");
                }
                boolean covers = number % 2 == 0 || random.nextBoolean();
                if (held.get(c.id()) != null) {
                    held.get(c.id()).covered = covers;
                }
                yield new OffloadResult.Covered(covers);
            }
            case OffloadOperation.Changed g -> {
                if (held.get(c.id()) != null) {
                    held.get(c.id()).mark = c.mark();
                }
                yield failsChanged(number) ? failed(c, "changed") : OffloadResult.DONE;
            }
            case OffloadOperation.Update u ->
                failsUpdate(number) ? failed(c, "update") : new OffloadResult.LastUsed(lastUsedMs(number), 1, 100);
            case OffloadOperation.PathPut p -> put(p.path(), number);
            case OffloadOperation.PathDel p -> {
                drop(p.path());
                yield (number + salt) % 43 == 0 && isWild
                        ? new OffloadResult.Failed("path del fails by number", null)
                        : new OffloadResult.Carried(lastUsedMs(number), 1, 100);
            }
            case OffloadOperation.PathStats p ->
                (number + salt) % 47 == 0 && isWild
                        ? new OffloadResult.Failed("path stats fails by number", null)
                        : new OffloadResult.Carried(lastUsedMs(number), 1, 100);
            case OffloadOperation.Delete d -> {
                release(c.id());
                if (failsDelete(number)) {
                    yield failed(c, "delete");
                }
                yield number % 3 == 0
                        ? new OffloadResult.Released(lastUsedMs(number), 1, 100, null)
                        : OffloadResult.DONE;
            }
        };
    }

    private static boolean isOfPath(OfConnection operation) {
        return operation instanceof OffloadOperation.PathPut
                || operation instanceof OffloadOperation.PathDel
                || operation instanceof OffloadOperation.PathStats;
    }

    private static Path pathOf(OfConnection operation) {
        return switch (operation) {
            case OffloadOperation.PathPut p -> p.path();
            case OffloadOperation.PathDel p -> p.path();
            case OffloadOperation.PathStats p -> p.path();
            default -> throw new IllegalArgumentException();
        };
    }

    private OffloadResult put(Path path, int number) {
        if ((number + salt) % 7 == path.direction().ordinal()) {
            return Verdict.decline("path by number");
        }
        if (chance(10)) {
            return Verdict.later("no room for paths");
        }
        boolean fails = (number + salt) % 53 == 0 && isWild;
        if (!fails || random.nextBoolean()) {
            carried.put(path.id(), path);
            ModelProvider other = carriers.put(key(path), this);
            check(
                    other == null || other == this || other.isAbandoned() || isAbandoned(),
                    "beside " + other + " " + path);
        }
        if (fails) {
            uncertainPaths.add(path.id());
            return new OffloadResult.Failed("path put fails by number", null);
        }
        return Verdict.accept();
    }

    private static String key(Path path) {
        return path.connectionId() + " " + path.direction();
    }

    private void drop(Path path) {
        if (carried.remove(path.id()) != null) {
            carriers.remove(key(path), this);
        }
    }

    /** Whether packets may go by this path, and not for want of somebody who gives it back. */
    synchronized boolean carries(PathHandle handle) {
        return carried.containsKey(((CarriedPath) handle).path.id()) && !isAbandoned();
    }

    private Verdict verdict(ConnView c) {
        if (declines(number(c))) {
            return Verdict.decline("by number");
        }
        if (manner.asksFirst() && held.size() >= manner.room() || chance(20)) {
            return Verdict.later("not now");
        }
        accepted.add(c.id());
        return Verdict.accept();
    }

    private OffloadResult failed(ConnView c, String what) {
        excused.add(c.id());
        return new OffloadResult.Failed(what + " fails by number", null);
    }

    private OffloadResult flush(DelReason reason) {
        check(reason == DelReason.PROVIDER_LEAVING || reason == DelReason.PROVIDER_FAILED, "flush: " + reason);
        if (!manner.flushes() || isAbandoned()) {
            return OffloadResult.ONE_BY_ONE;
        }
        List.copyOf(carried.values()).forEach(this::drop);
        held.clear();
        byKey.clear();
        return OffloadResult.DONE;
    }

    private void release(long id) {
        Held entry = held.remove(id);
        if (entry != null) {
            boolean wasFull = held.size() + 1 >= manner.room();
            entry.keys.forEach(key -> byKey.remove(key, id));
            lost.remove(id);
            if (wasFull && (!isWild || random.nextBoolean())) {
                context.room();
            }
        }
    }

    /** Tells something out of a callback. */
    private void maybeSay(long id) {
        if (chance(manner.loses())) {
            context.used(id, wallMs.getAsLong() - random.nextInt(30_000), 1, 100);
            context.room();
            Path path = carried.values().stream().findFirst().orElse(null);
            if (path != null) {
                context.pathUsed(path.id(), wallMs.getAsLong() - random.nextInt(30_000), 1, 100);
                if (random.nextBoolean()) {
                    context.pathLost(path.id(), "path evicted");
                }
            }
            Long some = random.nextBoolean() && held.containsKey(id)
                    ? Long.valueOf(id)
                    : held.keySet().stream().findFirst().orElse(null);
            if (some != null) {
                lost.add(some);
                context.lost(some, "evicted");
            }
        }
    }

    private boolean chance(int oneIn) {
        return isWild && oneIn > 0 && random.nextInt(oneIn) == 0;
    }

    // ---- results that come later ----

    /** Ends one of the operations that are under way, whichever; false if there is none. */
    boolean complete() {
        Pending chosen;
        OffloadResult result = OffloadResult.DONE;
        boolean fails = false;
        synchronized (this) {
            if (pending.isEmpty()) {
                return false;
            }
            chosen = pending.remove(random.nextInt(pending.size()));
            long id = chosen.operation().connection().id();
            if (chosen.span() == span && open) { // else nobody waits for it any more
                busy.remove(id);
                fails = chance(20);
                result = result(chosen.operation());
                note(chosen.operation(), "=" + (fails ? "thrown" : result));
                if (fails && isOfPath(chosen.operation())) {
                    uncertainPaths.add(pathOf(chosen.operation()).id());
                } else if (fails) {
                    excused.add(id);
                    accepted.remove(id);
                }
                if (chosen.operation() instanceof OffloadOperation.Add
                        && (fails || result instanceof OffloadResult.Failed)) {
                    release(id);
                }
            }
        }
        if (fails) {
            chosen.result().completeExceptionally(new IllegalStateException("the device has failed"));
        } else {
            chosen.result().complete(result);
        }
        return true;
    }

    // ---- news ----

    @Override
    public synchronized void settingsChanged(Map<String, String> changed) {
        check(open, "settings while closed");
        settings = changed;
    }

    @Override
    public synchronized void portAdded(PortRef port) {
        check(open && ports.put(port.id(), port) == null, "port added twice: " + port);
    }

    @Override
    public synchronized void portChanged(PortRef port) {
        check(open && ports.replace(port.id(), port) != null, "unknown port changed: " + port);
    }

    @Override
    public synchronized void portRemoved(PortRef port) {
        check(open && ports.remove(port.id()) != null, "unknown port removed: " + port);
    }

    private void check(boolean holds, String fault) {
        if (!holds && faults.size() < 20) {
            faults.add(name + ": " + fault);
        }
    }

    private void note(OfConnection operation, String detail) {
        histories
                .computeIfAbsent(operation.connection().id(), id -> new StringBuilder())
                .append(' ')
                .append(operation.getClass().getSimpleName())
                .append(isOfPath(operation) ? pathOf(operation).id() : "")
                .append(detail);
    }

    private String text(OfConnection operation) {
        String detail = operation instanceof OffloadOperation.Delete delete
                ? " " + delete.reason()
                : isOfPath(operation) ? " " + pathOf(operation).id() : "";
        return operation.getClass().getSimpleName() + " " + number(operation.connection()) + detail + " "
                + Long.toHexString(operation.connection().id()) + " after"
                + histories.get(operation.connection().id());
    }

    // ---- the single callbacks, which do not come ----

    @Override
    public Verdict connAdd(ConnView connection) {
        throw new AssertionError("bulk only");
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        throw new AssertionError("bulk only");
    }

    @Override
    public long connUpdate(ConnView connection) {
        throw new AssertionError("bulk only");
    }

    @Override
    public void connChanged(ConnView connection, Set<ConnChange> changes) {
        throw new AssertionError("bulk only");
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        throw new AssertionError("bulk only");
    }
}
