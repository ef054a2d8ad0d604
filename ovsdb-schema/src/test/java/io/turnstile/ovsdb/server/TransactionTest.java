package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.OvsdbJson;
import io.turnstile.ovsdb.schema.SchemaNotation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** All of a transaction or nothing; waiting, cancelling and locks as RFC 7047 has them. */
class TransactionTest {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final String INSERT = "{'op':'insert','table':'QoS','row':{'type':'x'}}";
    private static final String FOREVER =
            "{'op':'wait','table':'QoS','where':[],'columns':['type'],'until':'==','rows':[{'type':'never'}]}";

    private final List<Runnable> timers = new ArrayList<>();
    private final Database database =
            Database.inMemory(SchemaNotation.openVswitch(), (delayMs, task) -> timers.add(task));

    private static JsonNode json(String text) {
        try {
            return OvsdbJson.MAPPER.readTree(text.replace('\'', '"'));
        } catch (IOException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    private List<ArrayNode> transact(String... operations) {
        List<JsonNode> all = new ArrayList<>();
        for (String operation : operations) {
            all.add(json(operation));
        }
        List<ArrayNode> replies = new ArrayList<>();
        database.transact(all, lock -> false, this, NODES.numberNode(1), replies::add);
        return replies;
    }

    private int rows() {
        return database.snapshot().rows("QoS").size();
    }

    @Test
    void everyWayToFailLeavesNothingBehind() {
        transact(INSERT);
        DataSnapshot before = database.snapshot();
        UUID transaction = database.lastTransaction();
        for (String failing : List.of(
                "{'op':'abort'}",
                "{'op':'nope'}",
                "{'op':'insert','table':'QoS','row':{'nope':1}}",
                "{'op':'assert','lock':'mine'}",
                "{'op':'insert','table':'Bridge','row':{'fail_mode':'foo'}}",
                "{'op':'wait','timeout':0,'table':'QoS','where':[],'columns':['type'],'until':'==','rows':[]}",
                "{'op':'insert','table':'QoS','row':{'queues':['map',[[1,['uuid','10000001-1111-4111-8111-000000000001']]]]}}",
                "{'op':'mutate','table':'Open_vSwitch','where':[],'mutations':[['name','insert',1]]}")) {
            ArrayNode replies = transact(INSERT, "{'op':'delete','table':'QoS','where':[]}", INSERT, failing, INSERT)
                    .getFirst();
            assertThat(replies.toString()).as(failing).contains("\"error\"");
            assertThat(database.snapshot()).as(failing).isSameAs(before);
            assertThat(database.lastTransaction()).isEqualTo(transaction);
        }
    }

    @Test
    void repliesAfterTheFailedOperationAreNull() {
        ArrayNode replies = transact(INSERT, "{'op':'abort'}", INSERT, INSERT).getFirst();
        assertThat(replies).hasSize(4);
        assertThat(replies.get(0).has("uuid")).isTrue();
        assertThat(replies.get(1).get("error").asText()).isEqualTo("aborted");
        assertThat(replies.get(2).isNull() && replies.get(3).isNull()).isTrue();
    }

    @Test
    void anErrorAtCommitComesBehindAllReplies() {
        ArrayNode replies = transact(
                        "{'op':'insert','table':'Open_vSwitch','row':{}}",
                        "{'op':'insert','table':'Open_vSwitch','row':{}}")
                .getFirst();
        assertThat(replies).hasSize(3);
        assertThat(replies.get(2).get("error").asText()).isEqualTo("constraint violation");
        assertThat(database.snapshot().rows("Open_vSwitch")).isEmpty();
    }

    @Test
    void whatChangesNothingIsNoTransaction() {
        transact(INSERT);
        UUID transaction = database.lastTransaction();
        transact(
                "{'op':'update','table':'QoS','where':[],'row':{'type':'y'}}",
                "{'op':'update','table':'QoS','where':[],'row':{'type':'x'}}");
        transact(
                INSERT.replace("'row'", "'uuid-name':'q','row'"),
                "{'op':'delete','table':'QoS','where':[['_uuid','==',['named-uuid','q']]]}");
        assertThat(database.lastTransaction()).isEqualTo(transaction);
    }

    @Test
    void aWaitingTransactionSeesTheChangeThatFreesItAndRunsWhole() {
        List<ArrayNode> replies = transact(
                INSERT,
                "{'op':'wait','table':'QoS','where':[],'columns':['type'],'until':'==',"
                        + "'rows':[{'type':'x'},{'type':'go'}]}",
                INSERT);
        assertThat(replies).isEmpty();
        assertThat(rows()).as("nothing of it is done while it waits").isZero();
        transact("{'op':'insert','table':'QoS','row':{'type':'go'}}");
        assertThat(replies).hasSize(1);
        assertThat(rows()).isEqualTo(3);
    }

    @Test
    void aWaitingTransactionIsTriedAgainOnlyIfATableChangesThatItNames() {
        int[] runs = {0};
        List<ArrayNode> replies = new ArrayList<>();
        database.transact(
                List.of(
                        json("{'op':'assert','lock':'l'}"),
                        json("{'op':'select','table':'Queue','where':[]}"),
                        json(FOREVER)),
                lock -> {
                    runs[0]++;
                    return true;
                },
                this,
                NODES.numberNode(2),
                replies::add);
        for (int i = 0; i < 10; i++) {
            transact("{'op':'insert','table':'Open_vSwitch','row':{}}");
            transact("{'op':'delete','table':'Open_vSwitch','where':[]}");
        }
        assertThat(runs[0]).isEqualTo(1);
        transact(INSERT);
        assertThat(runs[0]).isEqualTo(2);
        transact("{'op':'delete','table':'QoS','where':[]}", "{'op':'insert','table':'Queue','row':{}}");
        assertThat(runs[0]).as("once a commit").isEqualTo(3);
        transact("{'op':'insert','table':'QoS','row':{'type':'never'}}");
        assertThat(replies).hasSize(1);
    }

    @Test
    void aTransactionLooksAtRowsSoOftenAndNoMore() {
        database.transact(Collections.nCopies(1000, json(INSERT)), lock -> false, this, NODES.nullNode(), reply -> {});
        String clauses = "[['type','==','nobody']" + ",true".repeat(9) + "]";
        JsonNode tenThousand = json("{'op':'select','table':'QoS','where':" + clauses + "}");
        for (int operations : new int[] {2000, 2001}) {
            List<ArrayNode> replies = new ArrayList<>();
            database.transact(
                    Collections.nCopies(operations, tenThousand), lock -> false, this, NODES.nullNode(), replies::add);
            JsonNode last = replies.getFirst().get(operations - 1);
            assertThat(last.path("error").asText())
                    .as("%d: %s", operations, last)
                    .isEqualTo(operations * 10_000L > ServerLimits.ROW_VISITS ? "resources exhausted" : "");
        }
    }

    @Test
    void aCancelledTransactionIsAnsweredCancelledAndDoesNothing() throws IOException {
        List<JsonNode> messages = new ArrayList<>();
        OvsdbSession session = LocalPeer.session(Map.of("Open_vSwitch", database), new Locks(), messages::add);
        session.receive(json("{'id':'w','method':'transact','params':['Open_vSwitch'," + FOREVER + "]}"), 0);
        session.receive(json("{'id':null,'method':'cancel','params':['other']}"), 0);
        assertThat(messages).isEmpty();
        session.receive(json("{'id':null,'method':'cancel','params':['w']}"), 0);
        assertThat(messages).containsExactly(json("{'id':'w','result':null,'error':'canceled'}"));
        transact("{'op':'insert','table':'QoS','row':{'type':'never'}}");
        assertThat(messages).as("nothing more of it").hasSize(1);
    }

    @Test
    void theTransactionsOfALostSessionAreForgotten() throws IOException {
        List<JsonNode> messages = new ArrayList<>();
        OvsdbSession session = LocalPeer.session(Map.of("Open_vSwitch", database), new Locks(), messages::add);
        session.receive(
                json("{'id':'w','method':'transact','params':['Open_vSwitch'," + FOREVER + "," + INSERT + "]}"), 0);
        session.close();
        transact("{'op':'insert','table':'QoS','row':{'type':'never'}}");
        assertThat(messages).isEmpty();
        assertThat(rows()).isEqualTo(1);
    }

    @Test
    void aHolderIsNotToldOfHisLockAgainWhenOthersLeaveTheLine() throws IOException {
        Locks locks = new Locks();
        List<String> told = new ArrayList<>();
        List<OvsdbSession> sessions = new ArrayList<>();
        for (String name : List.of("a", "b", "c")) {
            sessions.add(LocalPeer.session(
                    Map.of("Open_vSwitch", database),
                    locks,
                    message -> told.add(name + " "
                            + (message.has("method")
                                    ? message.get("method").asText()
                                    : message.get("result").toString()))));
        }
        JsonNode lock = json("{'id':1,'method':'lock','params':['l']}");
        JsonNode unlock = json("{'id':1,'method':'unlock','params':['l']}");
        for (OvsdbSession session : sessions) {
            session.receive(lock, 0);
        }
        sessions.get(1).receive(unlock, 0);
        sessions.get(0).close();
        assertThat(told)
                .containsExactly(
                        "a {\"locked\":true}", "b {\"locked\":false}", "c {\"locked\":false}", "b {}", "c locked");
    }
}
