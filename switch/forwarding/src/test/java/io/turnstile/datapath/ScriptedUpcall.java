package io.turnstile.datapath;

import io.turnstile.packet.Packet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A pipeline that says what the test says, and remembers what it was told. */
final class ScriptedUpcall implements Upcall {
    record Seen(Object cookie, byte[] frame, long[] key) {}

    private final Function<long[], Translation> script;
    final AtomicInteger misses = new AtomicInteger();
    final AtomicInteger revisions = new AtomicInteger();
    final AtomicInteger installed = new AtomicInteger();
    final AtomicInteger removed = new AtomicInteger();
    /** Packets and bytes by the flow's owner. */
    final Map<Object, AtomicLong> packets = new ConcurrentHashMap<>();

    final Map<Object, AtomicLong> bytes = new ConcurrentHashMap<>();
    final List<Seen> userspace = new ArrayList<>();
    volatile boolean current = true;

    ScriptedUpcall(Function<long[], Translation> script) {
        this.script = script;
    }

    /** A translation that looked at these fields only. */
    static Translation translation(Object owner, List<Field> fields, DatapathAction... actions) {
        long[] mask = FlowKey.newKey();
        fields.forEach(field -> field.setExact(mask));
        return new Translation(mask, actions, true, owner);
    }

    @Override
    public Translation miss(Packet packet, long[] key, long nowNs) {
        misses.incrementAndGet();
        return script.apply(key);
    }

    @Override
    public @Nullable Translation translateAnew(long[] key, long nowNs) {
        revisions.incrementAndGet();
        return script.apply(key);
    }

    @Override
    public void userspace(Packet packet, long[] key, Object cookie, long nowNs) {
        userspace.add(new Seen(cookie, packet.toBytes(), key.clone()));
    }

    @Override
    public boolean isCurrent(Translation translation) {
        return current;
    }

    @Override
    public void flowInstalled(DatapathFlow flow) {
        installed.incrementAndGet();
    }

    @Override
    public void flowUsed(DatapathFlow flow, long packetsDelta, long bytesDelta, long lastUsedNs) {
        packets.computeIfAbsent(flow.owner(), owner -> new AtomicLong()).addAndGet(packetsDelta);
        bytes.computeIfAbsent(flow.owner(), owner -> new AtomicLong()).addAndGet(bytesDelta);
    }

    @Override
    public void flowRemoved(DatapathFlow flow) {
        removed.incrementAndGet();
    }
}
