package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.embedded.EmbeddedChannel;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Peers that do not greet, stop in the middle of a message, or ask for more than they take. */
class SlowPeersTest {
    private static final int PROBE_MS = 5000;
    private static final long MEMORY_BYTES = 64 << 20;

    private final Dialogue peer = new Dialogue(WireVersion.OF13, MEMORY_BYTES, PROBE_MS);

    @AfterEach
    void close() {
        peer.close();
    }

    private ByteBuf echo(int xid) {
        return peer.message(Dialogue.ECHO_REQUEST, xid, body -> {});
    }

    @Test
    void whoDoesNotGreetIsCutOffAfterASecond() {
        peer.advance(Duration.ofMillis(999));
        assertThat(peer.channel.isOpen()).isTrue();
        peer.advance(Duration.ofMillis(1001));
        assertThat(peer.channel.isOpen()).isFalse();
    }

    @Test
    void halfAHelloIsNoGreeting() {
        peer.say(peer.message(0, 1, body -> body.writeZero(8)).slice(0, 12));
        peer.advance(Duration.ofSeconds(1));
        peer.advance(Duration.ofSeconds(1));
        assertThat(peer.channel.isOpen()).isFalse();
    }

    @Test
    void halfAMessageIsNoSignOfLife() {
        peer.greeted();
        for (int second = 1; second < 5; second++) {
            peer.say(Unpooled.buffer().writeByte(second == 1 ? 4 : 0)); // the same message, never to its end
            peer.advance(Duration.ofSeconds(1));
        }
        assertThat(peer.answers()).isEmpty();
        peer.advance(Duration.ofSeconds(1));
        assertThat(peer.answers()).as("a probe").hasSize(1);
        for (int second = 0; second < 6; second++) {
            peer.advance(Duration.ofSeconds(1));
        }
        assertThat(peer.channel.isOpen()).isFalse();
    }

    @Test
    void whoHasGreetedIsNotCutOff() {
        peer.greeted();
        peer.advance(Duration.ofSeconds(4));
        peer.say(echo(5));
        peer.advance(Duration.ofSeconds(4));
        assertThat(peer.channel.isOpen()).isTrue();
    }

    /** A channel whose peer takes as many messages as it is told to. */
    private static final class Slow extends EmbeddedChannel {
        private int willing = Integer.MAX_VALUE;

        void take(int messages) {
            willing = messages;
            flush();
        }

        @Override
        protected void doWrite(ChannelOutboundBuffer in) throws Exception {
            for (; willing > 0 && in.current() != null; willing--) {
                handleOutboundMessage(((ByteBuf) in.current()).retain());
                in.remove();
            }
        }
    }

    @Test
    void whoTakesItsAnswersSlowlyIsNotTakenForSilent() {
        Slow slow = new Slow();
        try (Dialogue taker = new Dialogue(slow, WireVersion.OF13, MEMORY_BYTES, PROBE_MS).greeted()) {
            slow.take(0);
            for (int i = 0; i < 30; i++) {
                taker.say(echo(i));
            }
            for (int second = 0; second < 20; second++) {
                taker.advance(Duration.ofSeconds(1));
                slow.take(1);
            }
            assertThat(taker.answers())
                    .hasSize(20)
                    .allMatch(answer -> answer.getUnsignedByte(Wire.TYPE_OFFSET) == Dialogue.ECHO_REPLY);
            for (int second = 0; second < 2 * PROBE_MS / 1000 + 2; second++) {
                taker.advance(Duration.ofSeconds(1));
            }
            assertThat(slow.isOpen()).as("it takes nothing any more").isFalse();
        }
    }

    @Test
    void requestsWaitWhileAnswersDo() {
        Slow slow = new Slow();
        try (Dialogue taker = new Dialogue(slow, WireVersion.OF13, MEMORY_BYTES, PROBE_MS).greeted()) {
            slow.take(0);
            ByteBuf many = Unpooled.buffer();
            for (int i = 0; i < 100; i++) {
                many.writeBytes(taker.message(Dialogue.ECHO_REQUEST, i, body -> body.writeZero(10_000)));
            }
            taker.say(many);
            assertThat(taker.connection.unsentBytes()).isBetween(60_000L, 80_000L);
            assertThat(slow.config().isAutoRead()).isFalse();
            slow.take(Integer.MAX_VALUE);
            taker.settle();
            assertThat(taker.answers()).hasSize(100);
            assertThat(slow.config().isAutoRead()).isTrue();
        }
    }

    @Test
    void requestsAreTakenUpInTurnsBetweenWhichOthersHaveTheirs() {
        peer.greeted();
        ByteBuf many = Unpooled.buffer();
        for (int i = 0; i < 1000; i++) {
            many.writeBytes(echo(i));
        }
        peer.channel.pipeline().fireChannelRead(many).fireChannelReadComplete(); // one read of the socket
        assertThat(peer.answers().size()).isBetween(1, 100);
        assertThat(peer.channel.config().isAutoRead())
                .as("the socket is not read meanwhile")
                .isFalse();
        peer.settle();
        assertThat(peer.answers().size()).isBetween(900, 999);
        assertThat(peer.channel.config().isAutoRead()).isTrue();
    }

    @Test
    void whatIsLeftWhenAPeerGoesIsReleased() {
        peer.greeted();
        ByteBuf many = Unpooled.buffer();
        for (int i = 0; i < 1000; i++) {
            many.writeBytes(echo(i));
        }
        peer.channel.pipeline().fireChannelRead(many).fireChannelReadComplete();
        peer.channel.close();
        peer.settle();
        assertThat(many.refCnt()).isZero();
    }
}
