package io.turnstile.embedded.model;

import io.turnstile.packet.Frame;
import io.turnstile.packet.FrameView;
import io.turnstile.packet.Frames;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A client and whoever gets its packets: UDP to and fro, or TCP with its handshake, data and end. Each answers what has
 * come to it, wherever that was and however rewritten; what was lost is sent again. Nobody resets a connection that is
 * established: whether software believes that depends on what it has seen (docs/decisions/0015).
 */
final class Conversation {
    /** @param frame as it comes in by the port */
    record Sending(ModelPort port, byte[] frame) {}

    private enum Phase {
        SYN,
        SYN_ACK,
        ACK,
        DATA,
        FIN,
        FIN_BACK,
        LAST_ACK,
        OVER
    }

    private static final long FIRST_SEQUENCE = 1_000;
    private static final int LONGEST_PAYLOAD = 90;
    private static final int IPV6_TYPE = 0x86dd;
    private static final int RST_ACK = 0x14;

    /** One of the two ends. */
    private static final class Side {
        @Nullable
        ModelPort port;

        /** What it sends looks like this. */
        byte[] like = {};

        long sequence = FIRST_SEQUENCE;
        long acknowledged;
    }

    private final Random random;
    private final boolean tcp;
    private final boolean ipv6;
    /** Whether the server answers a SYN by a reset. */
    private final boolean isRefused;

    private final Side client = new Side();
    private final Side server = new Side();
    private Phase phase;
    private boolean isClientsTurn;
    private int consumes;
    private int count;

    Conversation(Random random, ModelPort port, ModelPort toward, String destination, int sourcePort) {
        this.random = random;
        tcp = random.nextBoolean();
        ipv6 = destination.contains(":");
        isRefused = random.nextInt(10) == 0;
        phase = tcp ? Phase.SYN : Phase.DATA;
        String source = port.address(ipv6, 1 + random.nextInt(2));
        String ends = ipv6
                ? "[" + source + "]:" + sourcePort + " > [" + destination + "]:80"
                : source + ":" + sourcePort + " > " + destination + ":80";
        Frame first = (tcp ? Frames.tcp(ends) : Frames.udp(ends)).eth(port.mac(), toward.mac());
        if (random.nextInt(3) == 0) {
            first.vlan(5 + random.nextInt(2));
        }
        client.port = port;
        client.like = first.bytes();
    }

    boolean isOver() {
        return phase == Phase.OVER;
    }

    /** What comes next. */
    Sending next() {
        isClientsTurn = switch (phase) {
            case SYN, ACK, FIN, LAST_ACK, OVER -> true;
            case SYN_ACK, FIN_BACK -> false;
            case DATA -> server.port == null || random.nextBoolean();
        };
        Side from = isClientsTurn ? client : server;
        Frame frame = FrameView.of(from.like).toFrame().tos(tos()).ttl(ttl());
        consumes = 0;
        if (tcp) {
            segment(frame.options(new byte[0]).seq(from.sequence).ackNumber(from.acknowledged));
        } else {
            frame.payload(payload());
            if (!ipv6 && random.nextInt(10) == 0) {
                frame.withoutChecksum();
            }
        }
        return new Sending(Objects.requireNonNull(from.port), labelled(frame.bytes()));
    }

    private void segment(Frame frame) {
        frame.payload(0);
        switch (phase) {
            case SYN -> frame.syn();
            case SYN_ACK -> {
                if (isRefused) {
                    frame.flags(RST_ACK);
                    phase = Phase.OVER;
                } else {
                    frame.synAck();
                }
            }
            case FIN, FIN_BACK -> frame.fin();
            case ACK, LAST_ACK -> frame.ack();
            case OVER, DATA -> {
                if (random.nextInt(4) == 0) {
                    frame.ack();
                } else {
                    byte[] data = payload();
                    frame.push().payload(data);
                    consumes = data.length;
                }
            }
        }
        consumes = switch (phase) {
            case SYN, SYN_ACK, FIN, FIN_BACK -> 1;
            case ACK, DATA, LAST_ACK, OVER -> consumes;
        };
    }

    private int tos() {
        return random.nextInt(3) > 0 ? 0 : 32 * random.nextInt(4) + random.nextInt(4);
    }

    private int ttl() {
        return random.nextInt(20) == 0 ? 1 + random.nextInt(2) : random.nextInt(3) > 0 ? 64 : 62 + random.nextInt(3);
    }

    /** Different each time. */
    private byte[] payload() {
        byte[] text = ("no. " + count++ + " ").getBytes(StandardCharsets.US_ASCII);
        ByteBuffer payload = ByteBuffer.allocate(text.length + random.nextInt(LONGEST_PAYLOAD));
        return payload.put(text).array();
    }

    /** Some IPv6 packets have a flow label. */
    private byte[] labelled(byte[] bytes) {
        ByteBuffer frame = ByteBuffer.wrap(bytes);
        for (int at = 12; ipv6 && at <= 16; at += 4) {
            if ((frame.getShort(at) & 0xffff) == IPV6_TYPE) {
                frame.put(at + 5, (byte) random.nextInt(2));
                return bytes;
            }
        }
        return bytes;
    }

    /** What came of it: the other end takes what arrived, at whatever port. */
    void arrived(Map<ModelPort, List<byte[]>> sent) {
        Side from = isClientsTurn ? client : server;
        byte[] got = null;
        for (Map.Entry<ModelPort, List<byte[]>> port : sent.entrySet()) {
            boolean fits = isClientsTurn ? port.getKey() != client.port : port.getKey() == client.port;
            if (got == null && fits && !port.getValue().isEmpty()) {
                got = port.getValue().getFirst();
                if (isClientsTurn && phase != Phase.OVER) {
                    server.port = port.getKey();
                    server.like = FrameView.of(got).reply().bytes();
                }
            }
        }
        if (got == null || !tcp || phase == Phase.OVER) {
            return;
        }
        from.sequence += consumes;
        (isClientsTurn ? server : client).acknowledged = from.sequence;
        phase = switch (phase) {
            case SYN -> Phase.SYN_ACK;
            case SYN_ACK -> Phase.ACK;
            case ACK -> Phase.DATA;
            case DATA -> random.nextInt(60) == 0 ? Phase.FIN : Phase.DATA;
            case FIN -> Phase.FIN_BACK;
            case FIN_BACK -> Phase.LAST_ACK;
            case LAST_ACK, OVER -> Phase.OVER;
        };
    }
}
