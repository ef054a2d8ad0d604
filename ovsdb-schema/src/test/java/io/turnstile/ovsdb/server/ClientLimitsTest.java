package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.OvsdbJson;
import io.turnstile.ovsdb.schema.SchemaNotation;
import io.turnstile.ovsdb.server.ClientBudget.Held;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What is beyond the limits is refused with the RFC's error, and what is within them goes on as before. */
class ClientLimitsTest {
    private static final ServerLimits LIMITS =
            new ServerLimits(1 << 20, 100_000, 1000, 1 << 20, 1 << 16, 1 << 20, 10, 5, 8);
    private static final long COST = 1000;

    private final List<Long> delaysMs = new ArrayList<>();
    private final Database database =
            Database.inMemory(SchemaNotation.openVswitch(), (delayMs, task) -> delaysMs.add(delayMs));
    private final Map<String, Database> databases = Map.of("Open_vSwitch", database);
    private final Locks locks = new Locks();

    ClientLimitsTest() {
        database.limitTo(LIMITS);
    }

    private final class Client {
        private final List<JsonNode> messages = new ArrayList<>();
        private final LocalPeer peer = new LocalPeer(messages::add);
        private final OvsdbSession session = new OvsdbSession(databases, locks, new UUID(1, 1), LIMITS, peer);
        private int lastId;

        String call(String method, String params) {
            lastId++;
            int before = messages.size();
            try {
                session.receive(json("{'id':" + lastId + ",'method':'" + method + "','params':" + params + "}"), COST);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            return messages.size() == before ? "waits" : messages.getLast().toString();
        }

        String transact(String operations) {
            return call("transact", "['Open_vSwitch'," + operations + "]");
        }
    }

    private static JsonNode json(String text) {
        try {
            return OvsdbJson.MAPPER.readTree(text.replace('\'', '"'));
        } catch (IOException e) {
            throw new AssertionError(text, e);
        }
    }

    @Test
    void monitorsOfOneClientAndOfAllAreCounted() {
        Client first = new Client();
        Client second = new Client();
        for (int i = 0; i < LIMITS.perClient(); i++) {
            assertThat(first.call("monitor", "['Open_vSwitch'," + i + ",{}]")).contains("\"result\":{}");
        }
        assertThat(first.call("monitor", "['Open_vSwitch',9,{}]")).contains("resources exhausted", "too many monitors");
        assertThat(first.peer.charged(Held.KEPT)).isEqualTo(COST * LIMITS.perClient());
        for (int i = LIMITS.perClient(); i < LIMITS.together(); i++) {
            assertThat(second.call("monitor", "['Open_vSwitch'," + i + ",{}]")).contains("\"result\":{}");
        }
        assertThat(second.call("monitor", "['Open_vSwitch',9,{}]")).contains("resources exhausted");
        first.call("monitor_cancel", "[0]");
        assertThat(first.peer.charged(Held.KEPT)).isEqualTo(COST * (LIMITS.perClient() - 1));
        assertThat(second.call("monitor", "['Open_vSwitch',9,{}]")).contains("\"result\":{}");
    }

    @Test
    void waitingTransactionsOfOneClientAndOfAllAreCounted() {
        String wait = "{'op':'wait','table':'QoS','where':[],'columns':['type'],'until':'==','rows':[{'type':'go'}]}";
        Client first = new Client();
        Client second = new Client();
        for (int i = 0; i < LIMITS.perClient(); i++) {
            assertThat(first.transact(wait)).isEqualTo("waits");
        }
        assertThat(first.transact(wait)).contains("resources exhausted", "too many waiting transactions");
        assertThat(first.peer.charged(Held.KEPT)).isEqualTo(COST * LIMITS.perClient());
        assertThat(first.transact("{'op':'insert','table':'Queue','row':{}}"))
                .as("and others go on")
                .contains("uuid");
        for (int i = LIMITS.perClient(); i < LIMITS.together(); i++) {
            assertThat(second.transact(wait)).isEqualTo("waits");
        }
        assertThat(second.transact(wait)).contains("resources exhausted");
        int answered = first.messages.size();
        second.transact("{'op':'insert','table':'QoS','row':{'type':'go'}}");
        assertThat(first.messages).hasSize(answered + LIMITS.perClient());
        assertThat(first.peer.charged(Held.KEPT)).isZero();
        assertThat(second.peer.charged(Held.KEPT)).isZero();
        assertThat(database.waiting()).isZero();
    }

    @Test
    void theAnswerToATransactionThatWaitedCostsWhatTheTransactionDid() {
        Client client = new Client();
        String wait = "{'op':'wait','table':'QoS','where':[],'columns':['type'],'until':'==','rows':[{'type':'go'}]}";
        String nothing = "{'op':'select','table':'Queue','where':[]}";
        assertThat(client.transact(nothing + "," + wait)).isEqualTo("waits");
        new Client().transact("{'op':'insert','table':'QoS','row':{'type':'go'}}");
        assertThat(client.messages).hasSize(1);
        assertThat(client.peer.lastRows().placeBytes()).isGreaterThanOrEqualTo(COST);
        client.transact(nothing);
        assertThat(client.peer.lastRows().placeBytes())
                .as("is charged as a request until the client has read")
                .isZero();
    }

    @Test
    void locksOfOneClientAreCounted() {
        Client client = new Client();
        for (int i = 0; i < LIMITS.perClient(); i++) {
            assertThat(client.call("lock", "['l" + i + "']")).contains("\"locked\":true");
        }
        assertThat(client.call("steal", "['another']")).contains("resources exhausted", "too many locks");
        assertThat(client.call("unlock", "['l0']")).contains("\"result\":{}");
        assertThat(client.call("steal", "['another']")).contains("\"locked\":true");
        assertThat(client.peer.charged(Held.KEPT)).isEqualTo(COST * LIMITS.perClient());
    }

    @Test
    void whoGetsALockOrLosesItHasHeardOfAllChangesUntilThen() {
        Client slow = new Client();
        Client other = new Client();
        slow.call("monitor_cond", "['Open_vSwitch','m',{'QoS':[{'columns':['type']}]}]");
        slow.call("lock", "['mine']");
        other.call("lock", "['his']");
        slow.call("lock", "['his']");
        slow.peer.setBehind(true);
        for (String method : List.of("steal", "unlock")) {
            slow.messages.clear();
            other.transact("{'op':'insert','table':'QoS','row':{'type':'before " + method + "'}}");
            assertThat(slow.messages).isEmpty();
            other.call(method, method.equals("steal") ? "['mine']" : "['his']");
            assertThat(slow.messages)
                    .as(method)
                    .extracting(message -> message.get("method").asText())
                    .containsExactly("update2", method.equals("steal") ? "stolen" : "locked");
        }
    }

    @Test
    void aDatabaseThatIsFullTakesNoMoreAndGivesRoomAgain() {
        Client client = new Client();
        String big = "{'op':'insert','table':'QoS','row':{'type':'" + "x".repeat(300_000) + "'}}";
        for (int i = 0; i < 3; i++) {
            assertThat(client.transact(big)).contains("uuid");
        }
        DataSnapshot full = database.snapshot();
        assertThat(full.sizeBytes()).isBetween(900_000L, 1L << 20);
        assertThat(client.transact("{'op':'comment','comment':'c'}," + big))
                .contains("resources exhausted", "The database would take more than 1 MiB of memory.");
        assertThat(database.snapshot()).as("aborted").isSameAs(full);
        assertThat(client.transact("{'op':'insert','table':'Queue','row':{}}"))
                .as("small ones fit")
                .contains("uuid");
        assertThat(client.transact("{'op':'delete','table':'QoS','where':[]}," + big))
                .contains("\"count\":3", "uuid");
        assertThat(database.snapshot().sizeBytes()).isLessThan(310_000);
    }

    @Test
    void manyCopiesOfOneValueDoNotFillTheDatabaseUnnoticed() {
        Client client = new Client();
        for (int i = 0; i < 100; i++) {
            client.transact("{'op':'insert','table':'QoS','row':{}}");
        }
        assertThat(client.transact(
                        "{'op':'update','table':'QoS','where':[],'row':{'type':'" + "x".repeat(50_000) + "'}}"))
                .contains("resources exhausted");
        String pair = "['map',[['k','" + "v".repeat(20_000) + "']]]";
        assertThat(client.transact("{'op':'mutate','table':'QoS','where':[],'mutations':[['other_config','insert',"
                        + pair + "]]}"))
                .contains("resources exhausted");
    }

    @Test
    void theSizeOfADatabaseIsTheSumOfItsRows() {
        Client client = new Client();
        String row = "[['type','==','a']]";
        for (String operation : List.of(
                "{'op':'insert','table':'QoS','row':{'type':'a','external_ids':['map',[['k','v']]]}}",
                "{'op':'insert','table':'QoS','row':{'type':'b'}}",
                "{'op':'mutate','table':'QoS','where':" + row
                        + ",'mutations':[['external_ids','delete',['set',['k']]]]}",
                "{'op':'update','table':'QoS','where':" + row + ",'row':{'type':'a longer name'}}",
                "{'op':'delete','table':'QoS','where':[['type','==','b']]}")) {
            client.transact(operation);
            assertThat(database.snapshot().sizeBytes())
                    .as(operation)
                    .isEqualTo(database.snapshot().rows("QoS").values().stream()
                            .mapToLong(r -> r.sizeBytes())
                            .sum());
        }
    }

    @Test
    void theSwitchsOwnTransactionsFindRoomInAFullDatabase() {
        new Client().transact("{'op':'insert','table':'QoS','row':{'type':'" + "x".repeat(1_040_000) + "'}}");
        List<JsonNode> answers = new ArrayList<>();
        database.transactUnlimited(
                List.of(json("{'op':'insert','table':'QoS','row':{'type':'" + "y".repeat(100_000) + "'}}")),
                this,
                replies -> replies.forEach(answers::add));
        assertThat(answers).hasSize(1).first().asString().contains("uuid");
    }

    @Test
    void selectsMayFindSoManyRowsAndNoMore() {
        Client client = new Client();
        for (int i = 0; i < 100; i++) {
            client.transact("{'op':'insert','table':'QoS','row':{'type':'t" + i + "'}}");
        }
        String select = "{'op':'select','table':'QoS','where':[],'columns':['type']}";
        String nine = client.transact(String.join(",", Collections.nCopies(9, select)));
        assertThat(nine).contains("\"t99\"").doesNotContain("error\":\"");
        assertThat(client.transact(String.join(",", Collections.nCopies(11, select))))
                .contains("resources exhausted", "The transaction selects more than 1000 rows.");
    }

    @Test
    void historyThatIsTooLargeIsForgotten() {
        Client client = new Client();
        client.transact("{'op':'insert','table':'QoS','row':{'type':'small'}}");
        UUID begin = database.lastTransaction();
        client.transact("{'op':'insert','table':'QoS','row':{'type':'small'}}");
        assertThat(database.changesSince(begin)).isNotNull();
        client.transact("{'op':'update','table':'QoS','where':[],'row':{'type':'" + "x".repeat(100_000) + "'}}");
        assertThat(database.changesSince(begin)).isNull();
        assertThat(database.changesSince(database.lastTransaction())).isEmpty();
    }

    @Test
    void deadlinesThatAreGivenAndCancelledLeaveFewSleepsBehind() throws IOException {
        Client client = new Client();
        for (long timeoutMs = 3_000_000; timeoutMs > 1_000_000; timeoutMs -= 500) {
            String id = "" + (client.lastId + 1);
            assertThat(client.transact("{'op':'wait','table':'QoS','where':[],'until':'!=','rows':[],"
                            + "'columns':['type'],'timeout':" + timeoutMs + "}"))
                    .isEqualTo("waits");
            client.session.receive(json("{'id':null,'method':'cancel','params':[" + id + "]}"), COST);
        }
        assertThat(database.waiting()).isZero();
        assertThat(delaysMs).hasSizeLessThan(25);
    }

    @Test
    void transactionsThatSetEachOtherOffDoNotNest() {
        Client client = new Client();
        ServerLimits roomy = LocalPeer.LIMITS;
        database.limitTo(roomy);
        OvsdbSession session = new OvsdbSession(databases, locks, new UUID(1, 1), roomy, client.peer);
        int chain = roomy.perClient();
        for (int i = chain - 1; i >= 0; i--) {
            try {
                session.receive(
                        json("{'id':" + i + ",'method':'transact','params':['Open_vSwitch',"
                                + "{'op':'wait','table':'QoS','where':[['type','==','t" + i
                                + "']],'columns':['type'],'until':'==','rows':[{'type':'t" + i + "'}]},"
                                + "{'op':'insert','table':'QoS','row':{'type':'t" + (i + 1) + "'}}]}"),
                        COST);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
        int[] deepest = {0};
        database.follow(
                this,
                (transaction, changes) ->
                        deepest[0] = Math.max(deepest[0], Thread.currentThread().getStackTrace().length));
        client.transact("{'op':'insert','table':'QoS','row':{'type':'t0'}}");
        assertThat(database.snapshot().rows("QoS")).hasSize(chain + 1);
        assertThat(deepest[0]).isLessThan(150);
    }
}
