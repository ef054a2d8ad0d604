package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class InboxTest {
    private static final ServerLimits LIMITS = new ServerLimits(10_000, 1000, 100, 1000, 1000, 1000, 10, 10, 10);

    private final Inbox inbox = new Inbox(LIMITS);

    private List<Inbox.Read> read(String text) throws IOException {
        return read(text.getBytes(StandardCharsets.UTF_8));
    }

    private List<Inbox.Read> read(byte[] bytes) throws IOException {
        List<Inbox.Read> all = new ArrayList<>();
        inbox.feed(bytes);
        for (Inbox.Read next = inbox.next(); next != null; next = inbox.next()) {
            all.add(next);
        }
        return all;
    }

    private static JsonNode json(Inbox.Read read) {
        return ((Inbox.Message) read).json();
    }

    @Test
    void messagesAreTheSameWhereverTheirBytesArePartedAsInOne() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> messages = List.of(
                "{\"id\":1,\"method\":\"echo\",\"params\":[1.0,1.5,-0.0,1e3,9223372036854775807,9223372036854775808]}",
                "{}",
                "[]",
                "[[],{},[{\"ü\":\"中\uD83D\uDE00\\u00e9\\n\"}]]",
                "{\"a\":{\"b\":{\"c\":[true,false,null,\"\"]}},\"a\":2}",
                "{\"id\":\"x\",\"result\":{},\"error\":null}");
        for (int round = 0; round < 500; round++) {
            List<JsonNode> expected = new ArrayList<>();
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(6); i >= 0; i--) {
                String message = messages.get(random.nextInt(messages.size()));
                expected.add(OvsdbJson.MAPPER.readTree(message));
                text.append(message).append(random.nextBoolean() ? "\n " : "");
            }
            byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
            List<JsonNode> actual = new ArrayList<>();
            for (int from = 0; from < bytes.length; ) {
                int to = Math.min(bytes.length, from + 1 + random.nextInt(30));
                read(Arrays.copyOfRange(bytes, from, to)).forEach(read -> actual.add(json(read)));
                from = to;
            }
            assertThat(actual).as("seed %d round %d", seed, round).isEqualTo(expected);
            assertThat(inbox.isBegun()).isFalse();
            assertThat(inbox.costBytes()).isZero();
        }
    }

    @Test
    void aMessageOfTooManyPartsIsReadToItsEndAndItsIdIsKnown() throws IOException {
        for (String id : List.of("\"before\"", "7")) {
            assertThat(read("{\"id\":" + id + ",\"params\":[" + "{},".repeat(600) + "{\"id\":3}],\"method\":\"m\"}"))
                    .containsExactly(new Inbox.TooLarge(OvsdbJson.MAPPER.readTree(id)));
            assertThat(read("{\"params\":[" + "{},".repeat(600) + "{\"id\":3}],\"method\":\"m\",\"id\":" + id + "}"))
                    .containsExactly(new Inbox.TooLarge(OvsdbJson.MAPPER.readTree(id)));
        }
        assertThat(read("[" + "0,".repeat(2000) + "0]")).containsExactly(new Inbox.TooLarge(null));
        assertThat(read("{\"id\":null}{\"id\":5}")).as("and those after it").hasSize(2);
    }

    @Test
    void aMessageOfTooManyBytesIsReadToItsEndAndNotKept() throws IOException {
        String part = "\"" + "x".repeat(500) + "\",";
        assertThat(read("{\"id\":8,\"params\":[")).isEmpty();
        long mostBytes = 0;
        for (int i = 0; i < 1000; i++) {
            assertThat(read(part)).isEmpty();
            mostBytes = Math.max(mostBytes, inbox.costBytes());
        }
        assertThat(mostBytes).isBetween(1000L, 100_000L);
        assertThat(read("0]}")).containsExactly(new Inbox.TooLarge(OvsdbJson.MAPPER.readTree("8")));
    }

    @Test
    void aStringIsNotReadOnWithoutEnd() throws IOException {
        inbox.feed("[\"".getBytes(StandardCharsets.US_ASCII));
        assertThat(inbox.next()).isNull();
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 1000; i++) {
                        read("x".repeat(100));
                    }
                })
                .hasMessageContaining("exceeds the maximum allowed (10000");
    }

    @Test
    void aThousandBracketsAreReadAndOneMoreIsNot() throws IOException {
        Inbox roomy = new Inbox(LocalPeer.LIMITS);
        roomy.feed(("[".repeat(1000) + "]".repeat(1000)).getBytes(StandardCharsets.US_ASCII));
        assertThat(roomy.next()).isInstanceOf(Inbox.Message.class);
        roomy.feed("[".repeat(1001).getBytes(StandardCharsets.US_ASCII));
        assertThatThrownBy(roomy::next).hasMessageContaining("1001");
    }

    @Test
    void whatIsBegunCostsItsBytesBeforeItIsWhole() throws IOException {
        assertThat(read("{\"id\":1,\"params\":[\"")).isEmpty();
        long before = inbox.costBytes();
        assertThat(read("z".repeat(5000))).isEmpty();
        assertThat(inbox.isBegun()).isTrue();
        assertThat(inbox.costBytes() - before).isBetween(9_900L, 10_000L);
    }

    @Test
    void aNameIsNotReadOnWithoutEnd() throws IOException {
        assertThat(read("{\"" + "n".repeat(1000) + "\":1}")).hasSize(1);
        assertThatThrownBy(() -> read("{\"" + "n".repeat(1001) + "\":1}")).hasMessageContaining("1001");
    }

    private WeakReference<String> nameOfAMessage() throws IOException {
        JsonNode message =
                json(read("{\"a name that only this client uses\":1}").getFirst());
        return new WeakReference<>(message.fieldNames().next());
    }

    @Test
    void theNamesInAMessageAreNotRememberedAfterIt() throws IOException {
        WeakReference<String> name = nameOfAMessage();
        read("{\"id\":1}");
        for (int i = 0; i < 100 && name.get() != null; i++) {
            System.gc();
        }
        assertThat(name.get()).isNull();
    }
}
