package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.turnstile.ovsdb.schema.SchemaNotation;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** One connection by a clock that is moved by hand. */
class ConnectionTest {
    private static final long SECOND_NS = 1_000_000_000;
    private static final String ECHO = "{\"id\":1,\"method\":\"echo\",\"params\":[]}";

    private long nowNs = Long.MAX_VALUE - SECOND_NS;
    private long probeIntervalMs;
    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final Connection connection;

    ConnectionTest() {
        Database database = Database.inMemory(SchemaNotation.openVswitch(), (delayMs, task) -> {});
        channel.config().setAutoRead(false);
        connection = new Connection(
                "unix#1",
                channel,
                LocalPeer.LIMITS,
                new ClientBudget(LocalPeer.LIMITS.clientBytes(), database::holds, Runnable::run),
                peer -> new OvsdbSession(
                        Map.of("Open_vSwitch", database), new Locks(), new UUID(1, 1), LocalPeer.LIMITS, peer),
                () -> probeIntervalMs,
                new RareLog(LoggerFactory.getLogger(ConnectionTest.class), () -> nowNs),
                () -> nowNs);
        channel.pipeline().addLast(connection);
    }

    private String say(String text) {
        channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
        channel.runPendingTasks();
        return heard();
    }

    private String heard() {
        StringBuilder text = new StringBuilder();
        for (ByteBuf bytes = channel.readOutbound(); bytes != null; bytes = channel.readOutbound()) {
            text.append(bytes.toString(StandardCharsets.UTF_8));
            bytes.release();
        }
        return text.toString();
    }

    private void pass(int seconds) {
        for (int i = 0; i < seconds; i++) {
            nowNs += SECOND_NS;
            connection.tick();
            channel.runPendingTasks();
        }
    }

    @Test
    void requestsAreAnsweredInTheirOrderWhereverTheirBytesEnd() {
        assertThat(say(ECHO + ECHO.replace(":1,", ":2,") + ECHO.substring(0, 10)))
                .isEqualTo("{\"id\":1,\"result\":[],\"error\":null}{\"id\":2,\"result\":[],\"error\":null}");
        assertThat(say(ECHO.substring(10))).isEqualTo("{\"id\":1,\"result\":[],\"error\":null}");
    }

    @Test
    void whoSaysHalfAMessageAndNoMoreIsLetGo() {
        assertThat(say("{\"id\":1,")).isEmpty();
        pass(60);
        assertThat(channel.isActive()).isTrue();
        pass(1);
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void aMessageThatTricklesIsLetGoTooAndOneThatIsWholeIsNot() {
        say(ECHO);
        pass(1000);
        assertThat(channel.isActive()).as("nothing was begun").isTrue();
        say("{\"id\":\"");
        for (int i = 0; i < 61; i++) {
            say("x");
            pass(1);
        }
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void whoIsSilentIsAskedAndLetGoIfHeDoesNotAnswer() {
        probeIntervalMs = 5000;
        pass(4);
        assertThat(heard()).isEmpty();
        pass(1);
        assertThat(heard()).contains("\"echo\"");
        say("{\"id\":\"echo\",\"result\":[],\"error\":null}");
        pass(4);
        assertThat(heard()).isEmpty();
        pass(1);
        assertThat(heard()).contains("\"echo\"");
        pass(5);
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void withoutAProbeSilenceIsNoFault() {
        pass(100_000);
        assertThat(channel.isActive()).isTrue();
        assertThat(heard()).isEmpty();
    }

    @Test
    void whatIsTooLargeIsRefusedByItsIdAndTheNextRequestIsAnswered() {
        String tooMany =
                "{\"id\":7,\"method\":\"echo\",\"params\":[" + "0,".repeat(LocalPeer.LIMITS.requestTokens()) + "0]}";
        assertThat(say(tooMany)).contains("\"id\":7", "resources exhausted", "The request is too large.");
        assertThat(say(ECHO)).contains("\"result\":[]");
        assertThat(connection.hasSpoken()).isTrue();
    }
}
