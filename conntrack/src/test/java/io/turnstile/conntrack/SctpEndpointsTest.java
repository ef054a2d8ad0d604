package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Packet;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two ends as RFC 9260 §5 has them, through a firewall that drops what is invalid: they begin at once, are restarted at
 * any moment, and their packets are lost, doubled and overtaken before the tracker and behind it. When the network has
 * become good they have an association before long, and the tracker follows it.
 */
class SctpEndpointsTest {
    private static final int INIT = 1;
    private static final int INIT_ACK = 2;
    private static final int COOKIE_ECHO = 10;
    private static final int COOKIE_ACK = 11;
    private static final int DATA = 0;
    private static final int ABORT = 6;
    private static final int ROUNDS = 120;
    private static final int GOOD_ROUNDS = 40;
    /** So many rounds of data without an answer, and an end gives up (§8.1). */
    private static final int PATIENCE = 6;

    /** What an INIT ACK's maker knows again by the COOKIE ECHO (§5.1.3, §5.2.2). */
    private record Cookie(int own, int peer, int ownTie, int peerTie) {}

    private enum State {
        CLOSED,
        COOKIE_WAIT,
        COOKIE_ECHOED,
        ESTABLISHED
    }

    /** One end; direction 0 is the tracker's original one only by accident. */
    private final class End {
        private final int side;
        private State state = State.CLOSED;
        private int own;
        private int peer;
        private Cookie cookie = new Cookie(0, 0, 0, 0);
        private int unanswered;
        private boolean heard;

        End(int side) {
            this.side = side;
        }

        void send(int tag, byte[] chunk) {
            wire(side).add(SctpChunkBytes.sent(side, tag, chunk));
        }

        void begin() {
            own = newTag();
            peer = 0;
            state = State.COOKIE_WAIT;
            unanswered = 0;
            send(0, SctpChunkBytes.init(own));
        }

        void crash() {
            state = State.CLOSED;
            own = 0;
            peer = 0;
        }

        /** A timer runs out. */
        void tick() {
            switch (state) {
                case CLOSED -> {
                    // Waits to be asked.
                }
                case COOKIE_WAIT -> send(0, SctpChunkBytes.init(own));
                case COOKIE_ECHOED -> send(peer, chunk(COOKIE_ECHO, bytes(cookie)));
                case ESTABLISHED -> send(peer, SctpChunkBytes.data());
            }
            unanswered = heard ? 0 : unanswered + 1;
            heard = false;
            if (unanswered > PATIENCE && state != State.CLOSED) {
                crash();
            }
        }

        void receive(Packet packet) {
            int tag = SctpChunks.tag(packet);
            int at = SctpChunks.first(packet);
            switch (packet.u8(at)) {
                case INIT -> answerInit(packet.u32(at + 4));
                case INIT_ACK -> {
                    if (state == State.COOKIE_WAIT && tag == own) {
                        peer = packet.u32(at + 4);
                        cookie = cookie(packet, at + 20 + 4);
                        state = State.COOKIE_ECHOED;
                        unanswered = 0;
                        send(peer, chunk(COOKIE_ECHO, bytes(cookie)));
                    }
                }
                case COOKIE_ECHO -> {
                    Cookie got = cookie(packet, at + 4);
                    if (tag == got.own && accepts(got)) {
                        own = got.own;
                        peer = got.peer;
                        state = State.ESTABLISHED;
                        unanswered = 0;
                        send(peer, chunk(COOKIE_ACK));
                    }
                }
                case COOKIE_ACK -> {
                    if (state == State.COOKIE_ECHOED && tag == own) {
                        state = State.ESTABLISHED;
                        unanswered = 0;
                    }
                }
                case DATA -> {
                    if (state == State.CLOSED) {
                        wire(side).add(SctpChunkBytes.sent(side, tag, SctpChunkBytes.abortReflected()));
                    } else if (tag == own && state == State.ESTABLISHED) {
                        heard = true;
                    }
                }
                case ABORT -> {
                    if (state != State.CLOSED && tag == peer) {
                        crash();
                    }
                }
                default -> throw new AssertionError("nobody sends that");
            }
        }

        private void answerInit(int asker) {
            Cookie made = switch (state) {
                case CLOSED -> new Cookie(newTag(), asker, 0, 0);
                case COOKIE_WAIT -> new Cookie(own, asker, 0, 0);
                case COOKIE_ECHOED -> new Cookie(own, asker, own, peer);
                case ESTABLISHED -> new Cookie(newTag(), asker, own, peer);
            };
            send(asker, SctpChunkBytes.initWith(INIT_ACK, made.own, SctpChunkBytes.parameter(7, bytes(made))));
        }

        /** §5.2.4, table 12. */
        private boolean accepts(Cookie got) {
            if (state == State.CLOSED) {
                return true;
            }
            boolean ownFits = got.own == own;
            boolean peerFits = got.peer == peer;
            boolean tiesFit = got.ownTie == own && got.peerTie == peer;
            return ownFits || !peerFits && tiesFit;
        }
    }

    private final long seed = new Random().nextLong();
    private Random random = new Random();
    private final TrackerFixture ct = new TrackerFixture();
    private final End[] ends = {new End(0), new End(1)};
    /** What each end has sent, before the tracker and behind it. */
    private final List<List<Frame>> before = List.of(new ArrayList<>(), new ArrayList<>());

    private final List<List<Packet>> behind = List.of(new ArrayList<>(), new ArrayList<>());
    private final Deque<String> history = new ArrayDeque<>();
    private int nextTag;

    private List<Frame> wire(int side) {
        return before.get(side);
    }

    private int newTag() {
        return 0x1000_0000 + ++nextTag;
    }

    private static byte[] chunk(int type, byte... value) {
        return ByteBuffer.allocate(4 + value.length)
                .put((byte) type)
                .put((byte) 0)
                .putShort((short) (4 + value.length))
                .put(value)
                .array();
    }

    private static byte[] bytes(Cookie cookie) {
        return ByteBuffer.allocate(16)
                .putInt(cookie.own)
                .putInt(cookie.peer)
                .putInt(cookie.ownTie)
                .putInt(cookie.peerTie)
                .array();
    }

    private static Cookie cookie(Packet packet, int at) {
        return new Cookie(packet.u32(at), packet.u32(at + 4), packet.u32(at + 8), packet.u32(at + 12));
    }

    /** The parameter: whether ends are restarted, too. A failure names its history's seed. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void endsComeTogetherWhateverHappens(boolean restarts) {
        for (int history = 0; history < 300; history++) {
            live(seed + history, restarts);
        }
    }

    private void live(long ownSeed, boolean restarts) {
        random = new Random(ownSeed);
        ct.tracker.flush(null, ct.clock.nowNs());
        history.clear();
        for (int side = 0; side < 2; side++) {
            ends[side].crash();
            before.get(side).clear();
            behind.get(side).clear();
        }
        for (int round = 0; round < ROUNDS; round++) {
            End end = ends[random.nextInt(2)];
            switch (random.nextInt(12)) {
                case 0 -> {
                    if (end.state == State.CLOSED) {
                        end.begin();
                    }
                }
                case 1 -> end.tick();
                case 2 -> {
                    if (restarts && random.nextInt(3) == 0) {
                        note("end " + end.side + " is restarted");
                        end.crash();
                        end.begin();
                    }
                }
                default -> carry(end.side, true);
            }
        }
        for (int round = 0; round < GOOD_ROUNDS; round++) {
            if (ends[0].state == State.CLOSED && ends[1].state == State.CLOSED) {
                ends[round & 1].begin();
            }
            for (End end : ends) {
                end.tick();
            }
            for (int i = 0; i < 30; i++) {
                carry(i & 1, false);
            }
        }
        String what = "seed " + ownSeed + "\n" + String.join("\n", history);
        assertThat(ends[0].state).as(what).isEqualTo(State.ESTABLISHED);
        assertThat(ends[1].state).as(what).isEqualTo(State.ESTABLISHED);
        assertThat(ends[0].peer).as(what).isEqualTo(ends[1].own);
        assertThat(ends[1].peer).as(what).isEqualTo(ends[0].own);
        for (int side = 0; side < 2; side++) {
            assertThat(ct.look(SctpChunkBytes.sent(side, ends[side].peer, SctpChunkBytes.data())))
                    .as(what)
                    .startsWith("est");
        }
    }

    /** One packet goes on, from before the tracker or from behind it. */
    private void carry(int side, boolean badly) {
        boolean late = badly && random.nextBoolean();
        List<Packet> arriving = behind.get(side);
        if (!arriving.isEmpty() && !late) {
            Packet packet = arriving.remove(badly ? random.nextInt(arriving.size()) : 0);
            if (!badly || random.nextInt(10) != 0) {
                ends[side ^ 1].receive(packet);
            }
            return;
        }
        List<Frame> sent = wire(side);
        if (sent.isEmpty()) {
            return;
        }
        int chosen = badly ? random.nextInt(sent.size()) : 0;
        boolean doubled = badly && random.nextInt(10) == 0;
        Frame frame = doubled ? sent.get(chosen) : sent.remove(chosen);
        if (badly && random.nextInt(10) == 0) {
            return;
        }
        Packet packet = ct.send(frame.packet(), CtRequest.lookup(0));
        if ((packet.ctState() & CtState.NEW) != 0) {
            ct.send(packet, CtRequest.commit(0));
        }
        note(side + " " + TrackerFixture.state(packet) + " tag " + Integer.toHexString(SctpChunks.tag(packet))
                + " chunk " + packet.u8(SctpChunks.first(packet)));
        if ((packet.ctState() & CtState.INV) == 0) {
            arriving.add(packet);
        }
    }

    private void note(String line) {
        history.add(line);
        if (history.size() > 400) {
            history.removeFirst();
        }
    }
}
