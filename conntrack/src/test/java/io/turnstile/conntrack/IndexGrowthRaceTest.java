package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The index is replaced by a larger one, again and again, while connections come and go, translated ones (two cells, of
 * the same tuple for some) among them: who stays is found throughout, who goes leaves nothing in the new index. New
 * connections carry the growth on, and so does the sweep.
 */
class IndexGrowthRaceTest {
    private static final int GROWTHS = 12;
    private static final int STEP_CONNECTIONS = 64;
    private static final int LIMIT_OF_ONE_TRACKER = 40_000;
    private static final int RESIDENTS = 40;
    private static final int COMERS = 16;
    private static final int STEPS = 200;
    private static final CtRequest LOOK = CtRequest.lookup(0);
    private static final CtRequest BACK = LOOK.with(NatRequest.ANY);
    private static final CtRequest SNAT = CtRequest.commit(0)
            .with(new NatRequest(
                    NatRequest.Kind.SOURCE,
                    false,
                    0,
                    0x0a00_09f0L,
                    0,
                    0x0a00_09f0L,
                    0,
                    0,
                    false,
                    NatRequest.Choice.DEFAULT));
    /** The reply tuple is the original one turned round. */
    private static final CtRequest KEEP = CtRequest.commit(0)
            .with(new NatRequest(NatRequest.Kind.SOURCE, false, 0, 0, 0, 0, 0, 0, false, NatRequest.Choice.DEFAULT));

    private static final CtRequest TURN = new CtRequest(0, true, true, 0, 0, 0, 0, 0, 0);

    private ConnectionTracker tracker = newTracker();
    private int limit = 1;

    private static ConnectionTracker newTracker() {
        return new ConnectionTracker(new ManualClock(0, 0), STEP_CONNECTIONS * 2);
    }

    private static int send(ConnectionTracker tracker, PacketBatch batch, Packet packet, CtRequest request) {
        packet.clearConntrack();
        batch.clear();
        batch.add(packet);
        tracker.track(batch, request, 0);
        return packet.ctState();
    }

    private static Packet[] packets(int count, int network, boolean turned) {
        Packet[] packets = new Packet[count];
        for (int i = 0; i < count; i++) {
            String inside = "10.0." + network + "." + (i + 1) + ":" + (1000 + i);
            String outside = "192.0.2.1:80";
            packets[i] = udp(turned ? outside + " > " + inside : inside + " > " + outside)
                    .packet();
        }
        return packets;
    }

    @Test
    void whoStaysIsFoundAndWhoGoesIsGone() throws Exception {
        Packet[] residents = packets(RESIDENTS, 1, false);
        Packet[] answers = packets(RESIDENTS, 1, true);
        PacketBatch batch = new PacketBatch();
        int rounds = Race.run(
                () -> {
                    if (limit + GROWTHS * STEP_CONNECTIONS > LIMIT_OF_ONE_TRACKER) {
                        tracker = newTracker();
                        limit = 1;
                    }
                    for (Packet packet : packets(RESIDENTS, 1, false)) {
                        send(tracker, batch, packet, CtRequest.commit(0));
                    }
                },
                this::flushLeavesNothing,
                round -> grow(),
                round -> comeAndGo(2, round),
                this::comeAndGoTranslated,
                this::comeAndGoTranslatedToThemselves,
                round -> {
                    PacketBatch own = new PacketBatch();
                    for (int step = 0; step < STEPS; step++) {
                        int which = step % RESIDENTS;
                        assertThat(send(tracker, own, residents[which], LOOK) & CtState.RPL)
                                .isZero();
                        assertThat(residents[which].ctConnection())
                                .as("resident %d", which)
                                .isNotZero();
                        assertThat(send(tracker, own, answers[which], LOOK) & CtState.RPL)
                                .as("resident %d", which)
                                .isEqualTo(CtState.RPL);
                    }
                });
        assertThat(rounds).isPositive();
    }

    private void grow() {
        for (int i = 0; i < GROWTHS; i++) {
            limit += STEP_CONNECTIONS;
            tracker.setMaxConnections(limit + STEP_CONNECTIONS);
            if (i % 3 == 0) {
                tracker.sweepAll(0); // and gives back the memory of the index before
            }
            Thread.yield(); // others carry it on
            if (i % 4 == 0) {
                System.gc(); // frees the memory of indexes that are not used any more
            }
        }
    }

    /** Each packet replaces the connection of the other direction. */
    private void comeAndGo(int network, int round) {
        Packet[][] packets = {packets(COMERS, network, false), packets(COMERS, network, true)};
        PacketBatch own = new PacketBatch();
        Random random = new Random(round);
        for (int step = 0; step < STEPS; step++) {
            int which = random.nextInt(COMERS);
            int direction = random.nextInt(2);
            int state = send(tracker, own, packets[direction][which], TURN);
            assertThat(state & CtState.RPL).isZero();
            assertThat(packets[direction][which].ctConnection()).isNotZero();
        }
    }

    private void comeAndGoTranslated(int round) {
        PacketBatch own = new PacketBatch();
        Random random = new Random(-round);
        for (int step = 0; step < STEPS; step++) {
            int which = random.nextInt(COMERS);
            Packet inside = udp("10.0.3." + (which + 1) + ":" + (1000 + which) + " > 192.0.2.1:80")
                    .packet();
            int state = send(tracker, own, inside, SNAT);
            assertThat(state & CtState.SNAT).isEqualTo(CtState.SNAT);
            Packet answer = udp("192.0.2.1:80 > 10.0.9.240:" + inside.u16(34)).packet();
            assertThat(send(tracker, own, answer, random.nextInt(3) == 0 ? TURN : BACK) & CtState.INV)
                    .isZero();
            if (random.nextInt(2) == 0) {
                tracker.flushMatching(
                        seen -> seen.original.sourceLow == 0x0a00_0301L + which
                                || seen.original.destinationLow == 0x0a00_09f0L,
                        0);
            }
        }
    }

    private void comeAndGoTranslatedToThemselves(int round) {
        PacketBatch own = new PacketBatch();
        Random random = new Random(3L * round);
        for (int step = 0; step < STEPS; step++) {
            int which = random.nextInt(COMERS);
            String inside = "10.0.4." + (which + 1) + ":" + (1000 + which);
            boolean back = random.nextBoolean();
            Packet packet = udp(back ? "192.0.2.1:80 > " + inside : inside + " > 192.0.2.1:80")
                    .packet();
            boolean isNew = (send(tracker, own, packet, back ? TURN : KEEP) & CtState.NEW) != 0;
            assertThat(packet.ctConnection()).isNotZero();
            if (isNew && random.nextInt(4) == 0) {
                tracker.flushMatching(seen -> (seen.original.sourceLow & 0xffff_ff00L) == 0x0a00_0400L, 0);
            }
        }
    }

    private void flushLeavesNothing() {
        tracker.sweepAll(0);
        assertThat(tracker.table().growth()).isNull();
        tracker.flush(null, 0);
        ConnectionTable table = tracker.table();
        assertThat(tracker.connectionCount()).isZero();
        tracker.visitBuckets((bucket, connections) -> assertThat(connections).isZero());
        assertThat(table.index.displacement()).isZero();
        assertThat(table.entries.slotsTaken()).isZero();
        assertThat(table.entries.extensionsTaken()).isZero();
    }
}
