package io.turnstile.offload;

import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/** Answers as told, writes down what it hears, and checks that each connection's history is a legal one. */
class ScriptedProvider implements OffloadProvider {
    private final String name;
    private final boolean keepsEvents;
    final List<String> events = new ArrayList<>(); // guarded by this
    final List<String> faults = new ArrayList<>(); // guarded by this
    private final Map<Long, Character> states = new HashMap<>(); // guarded by this: q, a(dded), e(stablished)
    private final Set<Long> everAdded = new TreeSet<>(); // guarded by this, within one init
    /** As a device that goes by tuples has them. */
    private final Map<TupleView, Long> byTuple = new HashMap<>(); // guarded by this

    private final Map<Long, PortRef> ports = new HashMap<>(); // guarded by this
    private boolean open; // guarded by this
    volatile Function<ConnView, Verdict> verdict = connection -> Verdict.accept();
    volatile Predicate<ConnView> covers = connection -> true;
    volatile ToLongFunction<ConnView> lastUsed = connection -> 0;
    /** What an add answers; it is not held unless that is to accept. */
    volatile Function<ConnView, Verdict> addVerdict = connection -> Verdict.accept();

    volatile OfferMoment offeredFrom = OfferMoment.COMMITTED;
    volatile ProviderContext context;
    /** Throws for these events of connections with these numbers; the number is -1 for init and close. */
    volatile BiPredicate<String, Integer> failsFor = (event, number) -> false;

    volatile Consumer<String> journal = event -> {};
    volatile Object mustNotHold;

    ScriptedProvider(String name) {
        this(name, true);
    }

    ScriptedProvider(String name, boolean keepsEvents) {
        this.name = name;
        this.keepsEvents = keepsEvents;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public synchronized void init(ProviderContext context) {
        check(!open, "init while open");
        everAdded.clear();
        byTuple.clear();
        this.context = context;
        note("init", null, "");
        open = true; // not, if the script has it throw
    }

    @Override
    public synchronized void close() {
        check(open, "close while closed");
        check(held().isEmpty(), "close while holding " + held());
        open = false;
        ports.clear();
        states.clear();
        byTuple.clear();
        note("close", null, "");
    }

    @Override
    public synchronized Verdict canOffload(ConnView c) {
        check(open && !holds(c.id()), "query of known " + c); // an add need not have followed
        note("query", c, "");
        Verdict answer = verdict.apply(c);
        if (answer instanceof Verdict.Accept) {
            states.put(c.id(), 'q');
        }
        return answer;
    }

    @Override
    public synchronized Verdict connAdd(ConnView c) {
        check(
                open && Character.valueOf('q').equals(states.remove(c.id())) && everAdded.add(c.id()),
                "add out of order: " + c);
        Long former = byTuple.get(c.original());
        check(former == null, "add of a tuple that another one has: " + c);
        note("add", c, " in=" + c.originalIngress().number());
        Verdict answer = addVerdict.apply(c);
        if (answer instanceof Verdict.Accept) {
            states.put(c.id(), 'a');
            byTuple.put(c.original(), c.id());
        } else {
            everAdded.remove(c.id());
        }
        return answer;
    }

    @Override
    public synchronized boolean connEstablished(ConnView c, PortRef replyIngress) {
        check(open && Character.valueOf('a').equals(states.get(c.id())), "established out of order: " + c);
        note("established", c, " in=" + c.originalIngress().number() + " reply=" + replyIngress.number());
        boolean covered = covers.test(c);
        if (covered) {
            states.put(c.id(), 'e');
        }
        return covered;
    }

    @Override
    public synchronized void connChanged(ConnView c, Set<ConnChange> changes) {
        check(open && holds(c.id()) && !changes.isEmpty(), "changed out of order: " + c);
        note("changed", c, " " + new TreeSet<>(changes) + " mark=" + c.mark());
    }

    @Override
    public synchronized void settingsChanged(Map<String, String> settings) {
        note("settings", null, " " + settings);
    }

    @Override
    public synchronized void portAdded(PortRef port) {
        check(open && ports.put(port.id(), port) == null, "port added twice: " + port);
        note("port+", null, " " + port);
    }

    @Override
    public synchronized void portChanged(PortRef port) {
        check(open && ports.replace(port.id(), port) != null, "unknown port changed: " + port);
        note("port=", null, " " + port);
    }

    @Override
    public synchronized void portRemoved(PortRef port) {
        check(open && ports.remove(port.id()) != null, "unknown port removed: " + port);
        note("port-", null, " " + port);
    }

    @Override
    public OfferMoment offeredFrom() {
        return offeredFrom;
    }

    @Override
    public synchronized long connUpdate(ConnView c) {
        check(open && holds(c.id()), "update out of order: " + c);
        note("update", c, "");
        return lastUsed.applyAsLong(c);
    }

    @Override
    public synchronized void connDel(ConnView c, DelReason reason) {
        check(open && holds(c.id()), "del out of order: " + c);
        states.remove(c.id());
        byTuple.values().remove(c.id());
        if (reason == DelReason.PORT_EXCLUDED || reason == DelReason.PORT_GONE || reason == DelReason.LOST) {
            everAdded.remove(c.id()); // may be offered again
        }
        note("del", c, " " + reason);
    }

    private boolean holds(long id) {
        Character state = states.get(id);
        return state != null && state != 'q';
    }

    synchronized Set<Long> held() {
        Set<Long> held = new TreeSet<>();
        states.forEach((id, state) -> {
            if (state != 'q') {
                held.add(id);
            }
        });
        return held;
    }

    /** What was heard since the last call: event, the connection's number, ports or reason. */
    synchronized List<String> heard() {
        List<String> heard = List.copyOf(events);
        events.clear();
        return heard;
    }

    synchronized List<String> faults() {
        return List.copyOf(faults);
    }

    void fails(Predicate<String> events) {
        failsFor = (event, number) -> events.test(event);
    }

    private void note(String event, ConnView c, String detail) {
        Object lock = mustNotHold;
        check(lock == null || !Thread.holdsLock(lock), "called under the tracker's lock");
        if (keepsEvents) {
            events.add(event + (c == null ? "" : " " + c.original().sourcePort()) + detail);
        }
        journal.accept(name + " " + event);
        if (failsFor.test(event, c == null ? -1 : c.original().sourcePort())) {
            if (c != null && (event.equals("del") || event.equals("query"))) {
                states.remove(c.id());
            }
            throw new IllegalStateException("scripted failure of " + event);
        }
    }

    private void check(boolean holds, String fault) {
        if (!holds) {
            faults.add(fault);
        }
    }
}
