package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.tcp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SequenceSkewTest {
    private static final String FORTH = "10.0.0.1:4000 > 10.0.0.2:21";
    private static final String BACK = "10.0.0.2:21 > 10.0.0.1:4000";
    private static final int ORIGINAL = 0;
    private static final int REPLY = 1;

    private final OffHeap.Region memory = OffHeap.reserve(SequenceSkew.SIZE_BYTES, false);
    private final long skew = memory.address();

    @Test
    void withoutAChangeEveryNumberStays() {
        byte[] frame = tcp(FORTH).ack().seq(100).ackNumber(200).bytes();
        Packet packet = tcp(FORTH).ack().seq(100).ackNumber(200).packet();
        SequenceSkew.restoreAcknowledged(skew, packet, ORIGINAL);
        SequenceSkew.shiftSequence(skew, packet, ORIGINAL);
        assertThat(packet.toBytes()).isEqualTo(frame);
    }

    @Test
    void whatFollowsTheChangeIsShiftedAndWhatAcknowledgesItShiftedBack() {
        SequenceSkew.changed(skew, ORIGINAL, 1000, 1000, 4); // 20 bytes were sent, 24 go on.
        assertThat(sent(ORIGINAL, 1000)).isEqualTo(1000);
        assertThat(sent(ORIGINAL, 1020)).isEqualTo(1024);
        assertThat(acknowledged(REPLY, 1024)).isEqualTo(1020);
        assertThat(acknowledged(REPLY, 1000)).isEqualTo(1000);
        assertThat(sent(REPLY, 5000)).isEqualTo(5000);
        assertThat(acknowledged(ORIGINAL, 5000)).isEqualTo(5000);
    }

    @Test
    void aSegmentSentAgainCountsOnce() {
        SequenceSkew.changed(skew, ORIGINAL, 1000, 1000, 4);
        SequenceSkew.changed(skew, ORIGINAL, 1000, 1000, 4);
        assertThat(sent(ORIGINAL, 1020)).isEqualTo(1024);
        SequenceSkew.changed(skew, ORIGINAL, 1050, 1050, -3);
        SequenceSkew.changed(skew, ORIGINAL, 1000, 1000, 4);
        assertThat(sent(ORIGINAL, 1050)).isEqualTo(1054);
        assertThat(sent(ORIGINAL, 1070)).isEqualTo(1071);
    }

    @Test
    void changesWithinASegmentCountAsOneAtTheFirst() {
        for (int time = 0; time < 3; time++) {
            SequenceSkew.changed(skew, ORIGINAL, 1010, 1010, 4);
            SequenceSkew.changed(skew, ORIGINAL, 1010, 1040, 3);
            assertThat(sent(ORIGINAL, 1000)).as("the segment itself").isEqualTo(1000);
            assertThat(sent(ORIGINAL, 1060)).isEqualTo(1067);
            assertThat(acknowledged(REPLY, 1067)).isEqualTo(1060);
            assertThat(acknowledged(REPLY, 1000)).isEqualTo(1000);
        }
        SequenceSkew.changed(skew, ORIGINAL, 1080, 1080, -2);
        assertThat(sent(ORIGINAL, 1060)).isEqualTo(1067);
        assertThat(sent(ORIGINAL, 1090)).isEqualTo(1095);
    }

    @Test
    void changesThatTakeEachOtherBackCountOnceToo() {
        SequenceSkew.changed(skew, ORIGINAL, 500, 500, 1);
        for (int time = 0; time < 2; time++) {
            SequenceSkew.changed(skew, ORIGINAL, 1010, 1010, 4);
            SequenceSkew.changed(skew, ORIGINAL, 1010, 1040, -4);
            assertThat(sent(ORIGINAL, 1000)).isEqualTo(1001);
            assertThat(sent(ORIGINAL, 1060)).isEqualTo(1061);
        }
    }

    /** RFC 9293 §3.8.6: what is sent again may have more behind it. */
    @Test
    void segmentThatHasGrownWhenItIsSentAgainCountsWhatIsNew() {
        SequenceSkew.changed(skew, ORIGINAL, 1010, 1010, 4);
        for (int time = 0; time < 2; time++) {
            SequenceSkew.changed(skew, ORIGINAL, 1010, 1010, 4);
            SequenceSkew.changed(skew, ORIGINAL, 1010, 1040, 3);
            assertThat(sent(ORIGINAL, 1000)).isEqualTo(1000);
            assertThat(sent(ORIGINAL, 1060)).isEqualTo(1067);
        }
    }

    @Test
    void numbersWrap() {
        SequenceSkew.changed(skew, ORIGINAL, -10, -10, 8);
        assertThat(sent(ORIGINAL, -10)).isEqualTo(-10);
        assertThat(sent(ORIGINAL, 4)).isEqualTo(12);
        assertThat(acknowledged(REPLY, 12)).isEqualTo(4);
    }

    @Test
    void anAcknowledgementWithoutItsFlagIsNoNumber() {
        SequenceSkew.changed(skew, ORIGINAL, 1000, 1000, 4);
        Packet packet = tcp(BACK).rst().seq(1).ackNumber(2000).packet();
        SequenceSkew.restoreAcknowledged(skew, packet, REPLY);
        assertThat(packet.u32(packet.l4Offset() + 8)).isEqualTo(2000);
    }

    @Test
    void selectiveAcknowledgementsAreShiftedBackWhereverTheyStand() {
        SequenceSkew.changed(skew, ORIGINAL, 1000, 1000, 4);
        for (int nothings = 0; nothings < 4; nothings++) {
            Packet packet = tcp(BACK)
                    .ack()
                    .ackNumber(1000)
                    .options(sack(nothings, 1024, 1044, 900, 1000))
                    .packet();
            SequenceSkew.restoreAcknowledged(skew, packet, REPLY);
            assertThat(packet.toBytes())
                    .as("behind %d bytes", nothings)
                    .isEqualTo(tcp(BACK)
                            .ack()
                            .ackNumber(1000)
                            .options(sack(nothings, 1020, 1040, 900, 1000))
                            .bytes());
        }
    }

    @Test
    void garbageInPlaceOfOptionsIsLeftAlone() {
        SequenceSkew.changed(skew, ORIGINAL, 1000, 1000, 4);
        Random random = new Random();
        for (int turn = 0; turn < 5_000; turn++) {
            byte[] options = new byte[random.nextInt(11) * 4];
            random.nextBytes(options);
            if (options.length > 0) {
                options[0] = 5;
            }
            Packet packet = tcp(BACK)
                    .ack()
                    .ackNumber(2000)
                    .options(options)
                    .payload("data")
                    .packet();
            SequenceSkew.restoreAcknowledged(skew, packet, REPLY);
            assertThat(PacketCheck.transportFault(packet)).isNull();
            assertThat(packet.u32(packet.l3EndOffset() - 4)).isEqualTo(0x64617461);
        }
    }

    @Test
    void aChecksumLeftOpenStaysOpen() {
        SequenceSkew.changed(skew, ORIGINAL, 1000, 1000, 4);
        Packet packet = tcp(FORTH).ack().seq(1020).payload("x").packet();
        int l4 = packet.l4Offset();
        packet.putU16(l4 + 16, InternetChecksum.fold(InternetChecksum.pseudoHeader(packet, packet.l3EndOffset() - l4)));
        packet.setPartialChecksum(l4, l4 + 16);
        SequenceSkew.shiftSequence(skew, packet, ORIGINAL);
        assertThat(packet.checksumState()).isEqualTo(ChecksumState.PARTIAL);
        InternetChecksum.complete(packet);
        assertThat(packet.toBytes())
                .isEqualTo(tcp(FORTH).ack().seq(1024).payload("x").bytes());
    }

    /**
     * Two streams of segments, some changed on the way: each end must find the other's numbers without gap or overlap.
     */
    @Test
    void bothEndsSeeStreamsWithoutGapHoweverManySegmentsChange() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        int[] sent = {random.nextInt(), random.nextInt()};
        int[] received = sent.clone();
        for (int turn = 0; turn < 2_000; turn++) {
            int direction = random.nextInt(2);
            int bytes = 40 + random.nextInt(20);
            int[] by = random.ints(random.nextInt(4), -4, 5).toArray();
            int first = sent[direction] + random.nextInt(5);
            String what = "seed " + seed + " turn " + turn;
            for (int time = 0; time < 2; time++) { // Lost behind the switch, it is sent again.
                for (int i = 0; i < by.length; i++) {
                    SequenceSkew.changed(skew, direction, first, first + 5 * i, by[i]);
                }
                assertThat(sent(direction, sent[direction])).as(what).isEqualTo(received[direction]);
            }
            sent[direction] += bytes;
            received[direction] += bytes + Arrays.stream(by).sum();
            assertThat(acknowledged(direction ^ 1, received[direction]))
                    .as(what)
                    .isEqualTo(sent[direction]);
        }
    }

    private int sent(int direction, int sequence) {
        Frame frame =
                tcp(direction == ORIGINAL ? FORTH : BACK).push().seq(sequence).payload(20);
        Packet packet = frame.packet();
        SequenceSkew.shiftSequence(skew, packet, direction);
        assertThat(PacketCheck.transportFault(packet)).isNull();
        return packet.u32(packet.l4Offset() + 4);
    }

    private int acknowledged(int direction, int number) {
        Packet packet = tcp(direction == ORIGINAL ? FORTH : BACK)
                .ack()
                .ackNumber(number)
                .packet();
        SequenceSkew.restoreAcknowledged(skew, packet, direction);
        assertThat(PacketCheck.transportFault(packet)).isNull();
        return packet.u32(packet.l4Offset() + 8);
    }

    private static byte[] sack(int nothings, int... edges) {
        List<Byte> bytes = new ArrayList<>();
        for (int i = 0; i < nothings; i++) {
            bytes.add((byte) 1);
        }
        ByteBuffer option =
                ByteBuffer.allocate(2 + 4 * edges.length).put((byte) 5).put((byte) (2 + 4 * edges.length));
        for (int edge : edges) {
            option.putInt(edge);
        }
        for (byte octet : option.array()) {
            bytes.add(octet);
        }
        while (bytes.size() % 4 != 0) {
            bytes.add((byte) 0);
        }
        byte[] options = new byte[bytes.size()];
        for (int i = 0; i < options.length; i++) {
            options[i] = bytes.get(i);
        }
        return options;
    }
}
