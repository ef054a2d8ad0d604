package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.netty.channel.embedded.EmbeddedChannel;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.schema.SchemaNotation;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class OutboxTest {
    private static final JsonNode SMALL = JsonNodeFactory.instance.objectNode().put("method", "stolen");

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final Outbox outbox = new Outbox(channel, () -> {});

    private void setTaking(boolean taking) {
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, taking);
        outbox.pump();
        channel.runPendingTasks();
        channel.releaseOutbound();
    }

    @Test
    void lettersThatWaitCostUntilTheyAreWritten() {
        setTaking(false);
        for (int i = 1; i <= 1000; i++) {
            outbox.send(SMALL, RowsHeld.NONE);
            assertThat(outbox.unsentBytes()).isEqualTo((long) Outbox.LETTER_BYTES * i);
        }
        assertThat(outbox.rows()).isEmpty();
        setTaking(true);
        assertThat(outbox.isEmpty()).isTrue();
        assertThat(outbox.unsentBytes()).isZero();
    }

    @Test
    void rowsAreHeldUntilTheirLetterIsWritten() {
        RowsHeld held =
                RowsHeld.of(List.of(DataRow.fresh(SchemaNotation.openVswitch().table("QoS"), UUID.randomUUID())));
        setTaking(false);
        outbox.send(SMALL, RowsHeld.NONE);
        outbox.send(SMALL, held);
        outbox.send(SMALL, RowsHeld.NONE);
        assertThat(outbox.rows()).containsExactly(held);
        setTaking(true);
        assertThat(outbox.rows()).isEmpty();
        setTaking(false);
        outbox.send(SMALL, held);
        outbox.close();
        assertThat(outbox.rows()).isEmpty();
    }
}
