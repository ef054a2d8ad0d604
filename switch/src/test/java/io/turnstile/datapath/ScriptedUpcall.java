package io.turnstile.datapath;

import io.turnstile.packet.Packet;
import java.util.function.Function;

/** Answers each miss by a function of the key, exact on port, recirculation id and whatever else the test says. */
final class ScriptedUpcall implements Upcall {
    private final Function<long[], DatapathAction[]> script;
    int misses;
    int toUserspace;
    long credited;

    ScriptedUpcall(Function<long[], DatapathAction[]> script) {
        this.script = script;
    }

    @Override
    public Translation miss(Packet packet, long[] key, long nowNs) {
        misses++;
        long[] mask = FlowKey.newKey();
        Field.IN_PORT.setExact(mask);
        Field.RECIRC_ID.setExact(mask);
        return new Translation(mask, script.apply(key), true, null);
    }

    @Override
    public void userspace(Packet packet, long[] key, Object cookie, long nowNs) {
        toUserspace++;
    }

    @Override
    public boolean isCurrent(Translation translation) {
        return true;
    }

    @Override
    public void flowInstalled(DatapathFlow flow) {
        // Nothing depends on it.
    }

    @Override
    public void flowUsed(DatapathFlow flow, long packetsDelta, long bytesDelta, long lastUsedNs) {
        credited += packetsDelta;
    }

    @Override
    public void flowRemoved(DatapathFlow flow) {
        // Nothing depends on it.
    }
}
