package io.turnstile.path;

import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DatapathAction.Ct;
import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.datapath.DatapathAction.PopVlan;
import io.turnstile.datapath.DatapathAction.PushVlan;
import io.turnstile.datapath.DatapathAction.Recirculate;
import io.turnstile.datapath.DatapathAction.SetField;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.HashAlgorithm;
import io.turnstile.datapath.Upcall;
import io.turnstile.packet.Packet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A pipeline whose flows look at bits chosen by chance and do what chance says for those bits: of any packet the same
 * as of any other with the same bits, which is all that a pipeline promises. Clients are at ports 1 and 2, servers at 3
 * and 4; a packet goes through {@code ct()} in the zones between them.
 */
final class RandomPipeline implements Upcall {
    private static final int SIDE = 10;
    private static final Field[] HEADERS = {
        Field.ETH_DST, Field.ETH_SRC, Field.VLAN_TCI, Field.NW_TOS, Field.NW_TTL, Field.IPV6_LABEL
    };
    private static final Field[] LOOKED_AT = {
        Field.ETH_DST,
        Field.ETH_SRC,
        Field.VLAN_TCI,
        Field.NW_TOS,
        Field.NW_TTL,
        Field.IPV6_LABEL,
        Field.NW_SRC,
        Field.IPV6_DST,
        Field.TP_SRC,
        Field.TP_DST,
        Field.NW_PROTO,
        Field.CT_MARK,
        Field.CT_LABEL,
        Field.PKT_MARK,
        Field.SKB_PRIORITY
    };

    private final long seed;
    /** Whether packets get a hash, which their next flows look at, as behind a group that selects. */
    private final boolean hashes;

    private final boolean ipv6;
    private final int[] zones;
    /** The zone in which connections are translated; -1: none. */
    private final int natZone;

    private final NatRequest nat;
    /** Whether clients' destinations are rewritten before they are tracked. */
    private final boolean rewritesBefore;

    private final long[][] masks = new long[2 * SIDE][];

    RandomPipeline(long seed, boolean ipv6) {
        Random random = new Random(seed);
        this.seed = seed;
        this.hashes = seed % 3 == 0;
        this.ipv6 = ipv6;
        zones = random.nextBoolean() ? new int[] {1} : new int[] {1, 2};
        natZone = random.nextInt(3) == 0 ? -1 : zones[random.nextInt(zones.length)];
        long address = ipv6 ? 0x99 : 0x0a63_0001;
        long high = ipv6 ? 0x2001_0db8_0000_0000L : 0;
        nat = new NatRequest(
                random.nextBoolean() ? NatRequest.Kind.SOURCE : NatRequest.Kind.DESTINATION,
                ipv6,
                high,
                address,
                high,
                address,
                random.nextInt(3) == 0 ? 700 : 0,
                random.nextInt(3) == 0 ? 710 : 700,
                false,
                NatRequest.Choice.DEFAULT);
        rewritesBefore = random.nextInt(3) == 0;
        for (int i = 0; i < masks.length; i++) {
            masks[i] = mask(random, i % SIDE);
        }
    }

    private long[] mask(Random random, int step) {
        long[] mask = FlowKey.newKey();
        Field.IN_PORT.setExact(mask);
        Field.RECIRC_ID.setExact(mask);
        Field.ETH_TYPE.setExact(mask);
        Field.NW_FRAG.setExact(mask);
        if (step > 0) {
            Field.CT_STATE.setExact(mask);
            Field.DP_HASH.set(mask, hashes ? 0xf : 0);
        }
        for (Field field : LOOKED_AT) {
            if (random.nextInt(4) == 0) {
                field.set(mask, random.nextLong(), random.nextInt(3) == 0 ? -1L : random.nextLong());
            }
        }
        if (random.nextInt(60) == 0) {
            Field.TCP_FLAGS.setExact(mask);
        }
        if (Field.VLAN_TCI.get(mask) != 0) {
            Field.VLAN_TCI.set(mask, Field.VLAN_TCI.get(mask) | 0x1000);
        }
        if (step == 0 && rewritesBefore) {
            Field.NW_DST.setExact(mask);
            Field.IPV6_DST.setExact(mask);
            Field.TP_DST.setExact(mask);
        }
        return mask;
    }

    @Override
    public Translation miss(Packet packet, long[] key, long nowNs) {
        int recirculation = (int) Field.RECIRC_ID.get(key);
        int side = recirculation == 0 ? (Field.IN_PORT.get(key) <= 2 ? 0 : 1) : (recirculation - 1) / SIDE;
        int step = recirculation == 0 ? 0 : (recirculation - 1) % SIDE;
        long[] mask = masks[side * SIDE + step];
        long[] masked = new long[FlowKey.DATAPATH_WORDS];
        for (int i = 0; i < masked.length; i++) {
            masked[i] = key[i] & mask[i];
        }
        Random random = new Random(seed * 31 + Arrays.hashCode(masked));
        List<DatapathAction> actions = new ArrayList<>();
        act(side, step, (int) Field.CT_STATE.get(key), random, actions);
        return new Translation(
                Arrays.copyOf(mask, FlowKey.DATAPATH_WORDS), actions.toArray(DatapathAction[]::new), true, "");
    }

    private int zone(int side, int step) {
        return side == 0 ? zones[step] : zones[zones.length - 1 - step];
    }

    private void act(int side, int step, int state, Random random, List<DatapathAction> actions) {
        if (step > zones.length) {
            return; // a copy that nobody sees
        }
        if (step > 0) {
            commit(zone(side, step - 1), state, random, actions);
        }
        boolean established = (state & CtState.EST) != 0;
        if (step < zones.length) {
            if (side == 0 && step == 0 && rewritesBefore) {
                rewriteDestination(random, actions);
            }
            rewriteHeaders(random, actions);
            if (hashes && step == 0) {
                actions.add(new DatapathAction.Hash(HashAlgorithm.values()[(int) (seed & 1)], 0));
            }
            int zone = zone(side, step);
            CtRequest request = CtRequest.lookup(zone);
            actions.add(new Ct(zone == natZone ? request.with(NatRequest.ANY) : request));
            actions.add(new Recirculate(1 + side * SIDE + step + 1));
            return;
        }
        if (established && random.nextInt(30) == 0) {
            oddEnd(random, actions);
            return;
        }
        rewriteHeaders(random, actions);
        if (random.nextInt(4) == 0) {
            rewriteDestination(random, actions);
            actions.add(new SetField(Field.TP_SRC, 0, random.nextInt(0x10000) & 0xff, 0, 0xff));
        }
        int out = (side == 0 ? 3 : 1) + random.nextInt(2);
        actions.add(new Output(out));
        if (random.nextInt(30) == 0) {
            actions.add(random.nextBoolean() ? new PopVlan() : new Output(1));
        }
    }

    private void commit(int zone, int state, Random random, List<DatapathAction> actions) {
        CtRequest commit = CtRequest.commit(zone);
        if ((state & CtState.NEW) != 0) {
            actions.add(new Ct(zone == natZone ? commit.with(nat) : commit));
        } else if (random.nextInt(8) == 0) {
            actions.add(new Ct(
                    random.nextInt(3) == 0
                            ? commit
                            : new CtRequest(zone, true, false, random.nextInt(2), 0x3, 0, random.nextInt(2), 0, 1)));
        }
    }

    private void oddEnd(Random random, List<DatapathAction> actions) {
        switch (random.nextInt(5)) {
            case 0 -> actions.add(new DatapathAction.Userspace("to whom"));
            case 1 -> actions.clear();
            case 2 -> actions.add(new DatapathAction.CtClear());
            case 3 -> {
                actions.add(new DatapathAction.Clone(new DatapathAction[] {new Output(2)}));
                actions.add(new Output(1));
            }
            default -> {
                actions.add(new Recirculate(1 + 5));
                actions.add(new Output(1));
            }
        }
    }

    private void rewriteDestination(Random random, List<DatapathAction> actions) {
        long low = 0x0a00_0100 | random.nextInt(3);
        actions.add(
                ipv6
                        ? new SetField(Field.IPV6_DST, 0x2001_0db8_0000_0000L, low, -1L, -1L)
                        : new SetField(Field.NW_DST, 0, low, 0, 0xffff_ffffL));
        if (random.nextBoolean()) {
            actions.add(new SetField(Field.TP_DST, 0, 80 & 0xff, 0, 0xff));
        }
    }

    private void rewriteHeaders(Random random, List<DatapathAction> actions) {
        for (Field field : HEADERS) {
            if (random.nextInt(6) == 0) {
                long mask = random.nextBoolean() ? field.lowMask() : random.nextLong() & field.lowMask();
                mask = field == Field.IPV6_LABEL ? mask & 0xf_ffff : field == Field.VLAN_TCI ? mask & 0xefff : mask;
                actions.add(new SetField(field, 0, random.nextLong() & mask, 0, mask));
            }
        }
        if (random.nextInt(8) == 0) {
            actions.add(new SetField(Field.PKT_MARK, 0, random.nextInt(4), 0, 0xffff_ffffL));
        }
        switch (random.nextInt(12)) {
            case 0 -> actions.add(new PopVlan());
            case 1 -> {
                actions.add(new PopVlan());
                actions.add(new PushVlan(
                        random.nextInt(8) == 0 ? WireFrame.SERVICE_TAG : WireFrame.TAG, 0x1000 | random.nextInt(3)));
            }
            case 2 -> {
                if (random.nextInt(4) == 0) {
                    actions.add(new PushVlan(WireFrame.TAG, 0x1000 | random.nextInt(3)));
                }
            }
            default -> {
                // The tag stays.
            }
        }
    }

    @Override
    public @Nullable Translation translateAnew(long[] key, long nowNs) {
        return null;
    }

    @Override
    public void userspace(Packet packet, long[] key, Object cookie, long nowNs) {}

    @Override
    public boolean isCurrent(Translation translation) {
        return true;
    }

    @Override
    public void flowInstalled(DatapathFlow flow) {}

    @Override
    public void flowUsed(DatapathFlow flow, long packetsDelta, long bytesDelta, long lastUsedNs) {}

    @Override
    public void flowRemoved(DatapathFlow flow) {}
}
