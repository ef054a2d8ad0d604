package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** An error of any kind in the middle of a request is answered, logged once, and ends nothing. */
class ContainedErrorsTest {
    private static final int XID = 5;
    private static final int PORT_THAT_THROWS = 667;
    private static final int TIMES = 100;

    private final Dialogue peer = new Dialogue(WireVersion.OF15).greeted();
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(OpenFlowConnection.class);

    @BeforeEach
    void listen() {
        log.start();
        logger.addAppender(log);
    }

    @AfterEach
    void close() {
        logger.detachAppender(log);
        peer.close();
    }

    private ByteBuf flow() {
        return peer.flow(XID, 0, PORT_THAT_THROWS);
    }

    private ByteBuf control(int type) {
        return peer.message(
                MessageType.BUNDLE_CONTROL,
                XID,
                body -> body.writeInt(1).writeShort(type).writeShort(0));
    }

    @Test
    void aRequestThatOverflowsTheStackIsRefusedAndTheNextOneIsDone() {
        for (int i = 0; i < TIMES; i++) {
            assertThat(peer.refusal(flow())).isEqualTo(OfErrorCode.OFPBRC_EPERM);
        }
        assertThat(peer.say(peer.message(Dialogue.ECHO_REQUEST, XID, body -> {})))
                .extracting(answer -> (int) answer.getUnsignedByte(Wire.TYPE_OFFSET))
                .containsExactly(Dialogue.ECHO_REPLY);
        assertThat(peer.failures).hasSize(TIMES).allMatch(failure -> failure.getCause() instanceof StackOverflowError);
        assertThat(log.list).hasSize(1);
    }

    @Test
    void soIsTheCommitOfABundle() {
        for (int i = 0; i < TIMES; i++) {
            peer.say(control(0));
            ByteBuf flow = flow();
            assertThat(peer.refusal(peer.message(
                            MessageType.BUNDLE_ADD,
                            XID,
                            body -> body.writeInt(1).writeInt(0).writeBytes(flow))))
                    .isNull();
            assertThat(peer.refusal(control(4))).isEqualTo(OfErrorCode.OFPBRC_EPERM);
        }
        assertThat(peer.shared.bundles().takenBytes()).isZero();
        assertThat(peer.failures).hasSize(TIMES);
        assertThat(log.list).hasSize(1);
    }
}
