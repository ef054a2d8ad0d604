package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What is thrown while an entry is locked leaves no lock behind: the next packet of the connection, a dump and a flush
 * get their turn. Packets that cannot be written stand for whatever it may be.
 */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FailureUnderLockTest {
    private static final long NAT = 0x0a00_00f0L;
    private static final CtRequest COMMIT = CtRequest.commit(0)
            .with(new NatRequest(
                    NatRequest.Kind.SOURCE, false, 0, NAT, 0, NAT, 0, 0, false, NatRequest.Choice.DEFAULT));
    private static final CtRequest LOOK = CtRequest.lookup(0).with(NatRequest.ANY);
    private static final Frame THERE =
            Frames.udp("10.0.0.1:1000 > 192.0.2.1:53").payload(8);
    private static final Frame BACK =
            Frames.udp("192.0.2.1:53 > 10.0.0.240:1000").payload(8);

    private final TrackerFixture ct = new TrackerFixture();

    private static Packet unwritable(Frame frame) {
        byte[] bytes = frame.bytes();
        MemorySegment buffer = Arena.ofAuto().allocate(Packet.HEADROOM_BYTES + bytes.length);
        MemorySegment.copy(bytes, 0, buffer, ValueLayout.JAVA_BYTE, Packet.HEADROOM_BYTES, bytes.length);
        Packet packet = new Packet(buffer.asReadOnly());
        packet.reset(bytes.length);
        assertThat(PacketParser.parse(packet)).isTrue();
        return packet;
    }

    private void fails(Packet packet, CtRequest request) {
        assertThatThrownBy(() -> ct.send(packet, request)).isNotNull();
    }

    private void goesOn() {
        assertThat(ct.dump()).hasSize(1);
        assertThat(TrackerFixture.state(ct.send(BACK.packet(), LOOK))).isEqualTo("est|rpl|dnat");
        ConnectionSnapshot seen = new ConnectionSnapshot();
        assertThat(ct.tracker.read(ct.ids().getFirst(), seen, ct.clock.nowNs())).isTrue();
        assertThat(ct.tracker.flush(null, ct.clock.nowNs())).isEqualTo(1);
        assertThat(ct.tracker.connectionCount()).isZero();
        assertThat(ct.tracker.table().entries.slotsTaken()).isZero();
    }

    @Test
    void theFirstPacketCannotBeTranslated() {
        fails(unwritable(THERE), COMMIT);
        goesOn();
    }

    @Test
    void aLaterPacketCannotBeTranslated() {
        ct.send(THERE.packet(), COMMIT);
        fails(unwritable(THERE), LOOK);
        fails(unwritable(BACK), LOOK);
        goesOn();
    }

    @Test
    void aPacketCannotBeTranslatedByAFurtherCtOfItsWalk() {
        ct.send(THERE.packet(), COMMIT);
        Packet packet = unwritable(THERE);
        ct.send(packet, CtRequest.lookup(0));
        fails(packet, LOOK);
        goesOn();
    }

    @Test
    void theConnectionIsNotWhereTheIndexShouldHaveIt() {
        ct.send(THERE.packet(), COMMIT);
        ConnectionTable table = ct.tracker.table();
        table.index.remove(table.hash.ofOriginal(table.entries.entry(0)), 0);
        assertThatThrownBy(() -> ct.tracker.flush(null, ct.clock.nowNs())).isInstanceOf(IllegalStateException.class);
        assertThat(ct.tracker.connectionCount()).isZero();
        assertThat(table.entries.slotsTaken()).isZero();
        ct.send(THERE.packet(), COMMIT);
        goesOn();
    }

    /** What the failed batch wanted dropped is not dropped from the next. */
    @Test
    void theNextBatchIsWhole() {
        CtRequest nowhere = CtRequest.commit(0)
                .with(new NatRequest(
                        NatRequest.Kind.SOURCE, false, 0, NAT, 0, NAT, 9, 9, false, NatRequest.Choice.DEFAULT));
        ct.send(Frames.udp("10.0.0.9:1 > 192.0.2.1:53").packet(), nowhere);
        PacketBatch batch = new PacketBatch();
        batch.add(Frames.udp("10.0.0.8:1 > 192.0.2.1:53").packet()); // exhausted
        batch.add(unwritable(Frames.udp("10.0.0.8:1 > 192.0.2.2:53")));
        assertThatThrownBy(() -> ct.tracker.track(batch, nowhere, ct.clock.nowNs()))
                .isNotNull();
        PacketBatch next = new PacketBatch();
        next.add(THERE.packet());
        assertThat(ct.tracker.track(next, CtRequest.lookup(0), ct.clock.nowNs()))
                .isZero();
        assertThat(next.length()).isOne();
    }
}
