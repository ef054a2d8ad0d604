package io.turnstile.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.IntNode;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestReaderTest {
    private final RequestReader reader = new RequestReader();

    @AfterEach
    void close() {
        reader.close();
    }

    private void add(String text) {
        reader.add(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
    }

    @Test
    void requestsAreReadOneAtATimeHoweverTheyCome() throws MalformedRequestException {
        String two = " {\"method\":\"a\\\"}{\",\"params\":[\"é}\",\"]\"],\"id\":[1,{}]}\n\t{\"method\":\"b\",\"id\":0}";
        byte[] bytes = two.getBytes(StandardCharsets.UTF_8);
        for (byte each : bytes) {
            reader.add(Unpooled.wrappedBuffer(new byte[] {each}));
        }
        Request first = reader.next();
        assertThat(first.method()).isEqualTo("a\"}{");
        assertThat(first.words()).containsExactly("é}", "]");
        assertThat(first.id()).hasToString("[1,{}]");
        assertThat(reader.waitingBytes()).isEqualTo(23);
        assertThat(reader.next().words()).isEmpty();
        assertThat(reader.next()).isNull();
        assertThat(reader.waitingBytes()).isZero();
    }

    @Test
    void halfARequestIsWaitedFor() throws MalformedRequestException {
        add("{\"method\":\"a\",\"id\":");
        assertThat(reader.next()).isNull();
        assertThat(reader.next()).isNull();
        add("0}");
        assertThat(reader.next()).isEqualTo(new Request("a", List.of(), IntNode.valueOf(0)));
    }

    @Test
    void aWordThatIsNoTextIsNoted() throws MalformedRequestException {
        add("{\"method\":\"a\",\"params\":[\"x\",7],\"id\":0}");
        assertThat(reader.next().words()).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "7",
                "\"{}\"",
                "}",
                "{]",
                "{}",
                "{\"method\":7,\"id\":0}",
                "{\"method\":\"a\",\"id\":null}",
                "{\"method\":\"a\"}"
            })
    void whatIsNoRequestIsRefused(String text) {
        add(text);
        assertThatThrownBy(reader::next).isInstanceOf(MalformedRequestException.class);
    }

    @Test
    void whatIsTooDeepOrTooLongIsRefusedBeforeItHasCome() {
        add("{\"params\":" + "[".repeat(RequestReader.MAX_DEPTH));
        assertThatThrownBy(reader::next).hasMessage("nested more than 1000 deep");
        RequestReader other = new RequestReader();
        other.add(Unpooled.copiedBuffer(
                "{\"method\":\"" + "a".repeat(RequestReader.MAX_REQUEST_BYTES), StandardCharsets.UTF_8));
        assertThatThrownBy(other::next).hasMessage("a request of more than 1048576 bytes");
        other.close();
    }
}
