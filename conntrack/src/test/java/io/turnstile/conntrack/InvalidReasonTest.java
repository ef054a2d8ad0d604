package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.arpRequest;
import static io.turnstile.packet.Frames.echoReply;
import static io.turnstile.packet.Frames.icmp;
import static io.turnstile.packet.Frames.icmpError;
import static io.turnstile.packet.Frames.ip;
import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Packet;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each reason for {@code +inv} can be met, is counted once for its packet, and is said in words. */
class InvalidReasonTest {
    private static final String THERE = "10.0.0.1:5 > 10.0.0.2:6";
    private static final String BACK = "10.0.0.2:6 > 10.0.0.1:5";
    private static final String CONTROL = "10.0.0.1:5000 > 10.0.0.2:21";
    private static final int TO_CLIENT = 7;

    private final TrackerFixture ct = new TrackerFixture();

    @ParameterizedTest
    @EnumSource
    void canBeMetAndIsCounted(InvalidReason reason) {
        Frame frame = preparedFor(reason);
        assertThat(counts()).as("nothing was invalid before").isEmpty();
        for (int packets = 1; packets <= 3; packets++) {
            assertThat(ct.commit(frame).split("\\|")).contains("inv");
            assertThat(counts()).isEqualTo(Map.of(reason, (long) packets));
        }
    }

    /** Leads the tracker to where the frame that is returned is invalid for that reason, and for it alone. */
    private Frame preparedFor(InvalidReason reason) {
        return switch (reason) {
            case NOT_IP -> arpRequest("10.0.0.1 > 10.0.0.2");
            case NO_TRANSPORT -> ip("10.0.0.1 > 10.0.0.2", 132).payload(10);
            case FRAGMENT -> udp(THERE).payload(8).fragment(0, true);
            case L3_CHECKSUM -> udp(THERE).corruptNetworkChecksum();
            case L4_LENGTH -> ip("10.0.0.1 > 10.0.0.2", 136).payload(new byte[] {0, 5, 0, 6, 0, 4, 9, 9});
            case L4_CHECKSUM -> udp(THERE).corruptChecksum();
            case ZERO_PORT -> udp("10.0.0.1:0 > 10.0.0.2:6");
            case ICMP_TYPE -> icmp("10.0.0.1 > 10.0.0.2", 200, 0, 1);
            case ICMP_QUOTE -> unreachable("10.0.0.1", udp("10.0.0.1:0 > 10.0.0.2:6"));
            case ICMP_QUOTE_SENDER -> unreachable("10.0.0.9", udp(THERE));
            case ICMP_UNRELATED -> unreachable("10.0.0.1", udp(THERE));
            case ICMP_UNASKED -> echoReply("10.0.0.1 > 10.0.0.2", 1);
            case TCP_FLAGS -> tcp(THERE).segment("none");
            case TCP_SYN_ACK -> tcp(THERE).synAck();
            case TCP_REFUSAL -> {
                ct.commit(tcp(THERE).syn().seq(1000));
                yield tcp(BACK).rst().seq(0);
            }
            case TCP_END -> tcp(THERE).rst();
            case TCP_WINDOW -> {
                establishTcp(CtRequest.commit(0), THERE, BACK);
                yield tcp(THERE).push().seq(5_000_000).ackNumber(5000).payload(10);
            }
            case SCTP_CHUNKS -> SctpChunkBytes.there(0, SctpChunkBytes.init(TO_CLIENT), SctpChunkBytes.data());
            case SCTP_FIRST -> SctpChunkBytes.there(9, SctpChunkBytes.cookieAck());
            case SCTP_TAG -> {
                ct.commit(SctpChunkBytes.there(0, SctpChunkBytes.init(TO_CLIENT)));
                yield SctpChunkBytes.back(TO_CLIENT + 1, SctpChunkBytes.initAck(9));
            }
            case SCTP_STATE -> {
                ct.commit(SctpChunkBytes.there(0, SctpChunkBytes.init(TO_CLIENT)));
                yield SctpChunkBytes.back(TO_CLIENT, SctpChunkBytes.data());
            }
            case ALG_ADDRESS -> {
                establishTcp(CtRequest.commit(0).with(Alg.FTP), CONTROL, "10.0.0.2:21 > 10.0.0.1:5000");
                yield tcp(CONTROL).push().seq(1000).ackNumber(5000).payload("PORT 10,9,9,9,156,65\r\n");
            }
        };
    }

    private static Frame unreachable(String receiver, Frame quoted) {
        return icmpError("10.0.0.2 > " + receiver, IcmpTypes.UNREACHABLE, 0, quoted.bytes());
    }

    private void establishTcp(CtRequest commit, String there, String back) {
        ct.send(tcp(there).syn().seq(999).packet(), commit);
        ct.look(tcp(back).synAck().seq(4999).ackNumber(1000));
        ct.look(tcp(there).ack().seq(1000).ackNumber(5000));
    }

    @Test
    void whatIsInvalidWithinAConnectionIsCountedLikewise() {
        establishTcp(CtRequest.commit(0), THERE, BACK);
        assertThat(ct.look(tcp(THERE).segment("none"))).isEqualTo("inv");
        ct.commit(SctpChunkBytes.there(0, SctpChunkBytes.init(TO_CLIENT)));
        assertThat(ct.look(SctpChunkBytes.there(5, SctpChunkBytes.init(TO_CLIENT))))
                .isEqualTo("inv");
        assertThat(ct.look(SctpChunkBytes.there(0, SctpChunkBytes.init(0)))).isEqualTo("inv");
        assertThat(counts())
                .isEqualTo(
                        Map.of(InvalidReason.TCP_FLAGS, 1L, InvalidReason.SCTP_TAG, 1L, InvalidReason.SCTP_CHUNKS, 1L));
    }

    @Test
    void aControlConnectionsFirstPacketMayNotLieEither() {
        Packet packet = ct.send(
                tcp(CONTROL).push().payload("PORT 10,9,9,9,156,65\r\n").packet(),
                CtRequest.commit(0).with(Alg.FTP));
        assertThat(TrackerFixture.state(packet)).isEqualTo("new|inv");
        assertThat(counts()).isEqualTo(Map.of(InvalidReason.ALG_ADDRESS, 1L));
    }

    @Test
    void namesAreDistinctAndSentencesAreSentences() {
        assertThat(Arrays.stream(InvalidReason.values()).map(InvalidReason::label))
                .doesNotHaveDuplicates()
                .allMatch(label -> label.matches("conntrack_[a-z0-9_]+"));
        assertThat(Arrays.stream(InvalidReason.values()).map(InvalidReason::sentence))
                .doesNotHaveDuplicates()
                .allMatch(sentence -> sentence.matches("(The|A) [^\n]+\\."));
    }

    private Map<InvalidReason, Long> counts() {
        Map<InvalidReason, Long> counts = new TreeMap<>();
        for (InvalidReason reason : InvalidReason.values()) {
            long count = ct.tracker.invalid(reason);
            if (count != 0) {
                counts.put(reason, count);
            }
        }
        return counts;
    }
}
