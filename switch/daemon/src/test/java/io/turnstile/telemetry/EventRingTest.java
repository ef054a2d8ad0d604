package io.turnstile.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.OffloadEvent;
import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class EventRingTest {
    private static final long TIME = 1_700_000_000_000L;

    private final EventRing ring = new EventRing(8);

    private static ConnView connection(long id) {
        return new ConnView(
                id,
                7,
                17,
                tuple(0x0a000001, 1000, 0x0a000002, 53),
                tuple(0x0a000002, 53, 0x0a000001, 1000),
                0,
                0,
                0,
                new PortRef(1, "p1"),
                null);
    }

    private static TupleView tuple(long source, int sourcePort, long destination, int destinationPort) {
        return new TupleView(false, 17, 0, source, 0, destination, sourcePort, destinationPort, 0, 0, 0);
    }

    private static OffloadEvent add(long id) {
        return new OffloadEvent("dummy", new OffloadOperation.Add(connection(id)), OffloadResult.DONE, TIME);
    }

    private static OffloadEvent update(long id, long lastUsedMs) {
        return new OffloadEvent(
                "dummy", new OffloadOperation.Update(connection(id)), new OffloadResult.LastUsed(lastUsedMs), TIME);
    }

    private void happen(OffloadEvent... events) {
        for (OffloadEvent event : events) {
            ring.add(event, event.wallMs());
        }
    }

    private static List<String> brief(EventRing.Slice slice) {
        return slice.lines().stream()
                .map(line -> line.text()
                        .replaceAll(
                                "^\\{\"seq\":(\\d+),.*\"event\":\"(\\w+)\".*"
                                        + "\"connection\":\"(\\d+)\".*?(?:\"count\":(\\d+))?}$",
                                "$1 $2 $3 $4")
                        .strip())
                .toList();
    }

    @Test
    void aLineSaysEverythingAboutTheEvent() {
        OffloadOperation established = new OffloadOperation.Established(connection(4294967301L), new PortRef(2, null));
        happen(
                new OffloadEvent("dummy", established, new OffloadResult.Covered(false), TIME + 7),
                new OffloadEvent(
                        "card", new OffloadOperation.Query(connection(1)), new Verdict.Decline("say \"no\"\n"), TIME),
                new OffloadEvent(
                        "card",
                        new OffloadOperation.Delete(connection(2), DelReason.EXPIRED),
                        new OffloadResult.Failed("lost", null),
                        TIME),
                new OffloadEvent("card", new OffloadOperation.Flush(DelReason.FLUSHED), OffloadResult.DONE, TIME),
                update(1, 17));
        String tuples =
                "\"proto\":\"udp\",\"orig\":{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"sport\":1000,\"dport\":53},"
                        + "\"reply\":{\"src\":\"10.0.0.2\",\"dst\":\"10.0.0.1\",\"sport\":53,\"dport\":1000},\"zone\":7,"
                        + "\"in_port\":1,\"in_port_name\":\"p1\"";
        String time = "\"time\":\"2023-11-14T22:13:20.000Z\"";
        assertThat(ring.read(0, 9).lines())
                .extracting(MonitorLine::text)
                .containsExactly(
                        "{\"seq\":1,\"time\":\"2023-11-14T22:13:20.007Z\",\"event\":\"established\",\"provider\":\"dummy\","
                                + "\"result\":\"ask again\",\"connection\":\"4294967301\"," + tuples
                                + ",\"reply_port\":2}",
                        "{\"seq\":2," + time + ",\"event\":\"query\",\"provider\":\"card\",\"result\":\"declined\","
                                + "\"reason\":\"say \\\"no\\\"\\n\",\"connection\":\"1\"," + tuples + "}",
                        "{\"seq\":3," + time
                                + ",\"event\":\"delete\",\"provider\":\"card\",\"result\":\"failed\",\"reason\":\"lost\","
                                + "\"cause\":\"expired\",\"connection\":\"2\"," + tuples + "}",
                        "{\"seq\":4," + time
                                + ",\"event\":\"flush\",\"provider\":\"card\",\"result\":\"ok\",\"cause\":\"flushed\"}",
                        "{\"seq\":5," + time + ",\"event\":\"update\",\"provider\":\"dummy\",\"result\":\"last used\","
                                + "\"last_used_ms\":17,\"connection\":\"1\"," + tuples + "}");
    }

    @Test
    void aPortThatIsGoneIsSaidToBeGoneAndHasNoNumber() {
        ConnView moved = new ConnView(
                1,
                7,
                17,
                tuple(0x0a000001, 1000, 0x0a000002, 53),
                tuple(0x0a000002, 53, 0x0a000001, 1000),
                0,
                0,
                0,
                PortRef.GONE,
                new PortRef(2, "p2"));
        OffloadOperation changed = new OffloadOperation.Changed(moved, Set.of(ConnChange.PORT, ConnChange.MARK));
        happen(new OffloadEvent("dummy", changed, OffloadResult.DONE, TIME));
        assertThat(ring.read(0, 9).lines().getFirst().text())
                .contains("\"event\":\"changed\"", "\"changes\":[\"mark\",\"port\"]")
                .endsWith("\"zone\":7,\"in_port_gone\":true,\"reply_port\":2,\"reply_port_name\":\"p2\"}");
    }

    @Test
    void whatAProviderGivesBackWithADeleteIsShownWhereKnown() {
        OffloadOperation delete = new OffloadOperation.Delete(connection(1), DelReason.EXPIRED);
        happen(
                new OffloadEvent("dummy", delete, new OffloadResult.Released(17, 3, 180, null), TIME),
                new OffloadEvent("other", delete, new OffloadResult.Released(0, -1, -1, null), TIME));
        assertThat(ring.read(0, 9).lines().get(0).text())
                .contains("\"result\":\"ok\",\"last_used_ms\":17,\"packets\":3,\"bytes\":180,\"cause\"");
        assertThat(ring.read(0, 9).lines().get(1).text()).contains("\"result\":\"ok\",\"cause\"");
    }

    @Test
    void repetitionsAreCountedUntilTheyAreRead() {
        happen(update(1, 1), update(2, 1), update(1, 2), update(1, 3));
        assertThat(brief(ring.read(0, 9))).containsExactly("1 update 1 3", "2 update 2");
        happen(update(1, 4));
        assertThat(brief(ring.read(2, 9))).containsExactly("3 update 1");
        assertThat(ring.read(0, 1).lines().getFirst().text()).contains("\"last_used_ms\":3");
    }

    @Test
    void whatCameBetweenOrEndedOtherwiseIsALineOfItsOwn() {
        happen(add(1), update(1, 5), add(1), add(1));
        happen(new OffloadEvent(
                "dummy", new OffloadOperation.Add(connection(1)), new OffloadResult.Failed("full", null), TIME));
        happen(new OffloadEvent("other", new OffloadOperation.Add(connection(1)), OffloadResult.DONE, TIME));
        assertThat(brief(ring.read(0, 9))).containsExactly("1 add 1", "2 update 1", "3 add 1 2", "4 add 1", "5 add 1");
    }

    @Test
    void aLimitIsGoneOnFromAndWhatWasOverwrittenIsCounted() {
        for (int id = 1; id <= 20; id++) {
            happen(add(id));
        }
        EventRing.Slice slice = ring.read(3, 2);
        assertThat(brief(slice)).containsExactly("13 add 13", "14 add 14");
        assertThat(slice.dropped()).isEqualTo(9);
        assertThat(slice.next()).isEqualTo(14);
        assertThat(ring.read(14, 9))
                .satisfies(rest -> assertThat(rest.dropped()).isZero())
                .satisfies(rest -> assertThat(rest.lines()).hasSize(6))
                .extracting(EventRing.Slice::next)
                .isEqualTo(20L);
        assertThat(ring.read(20, 9)).isEqualTo(new EventRing.Slice(List.of(), 20, 0));
        assertThat(ring.readAll(1).dropped()).isEqualTo(12);
    }

    @Test
    void aNumberOfAFormerLifeGetsAllThereIs() {
        happen(add(1), add(2));
        assertThat(brief(ring.read(1_000_000, 9))).containsExactly("1 add 1", "2 add 2");
    }

    @Test
    void numbersGoOnAfterAClearance() {
        happen(add(1), add(2));
        ring.clear();
        assertThat(ring.readAll(9)).isEqualTo(new EventRing.Slice(List.of(), 2, 0));
        happen(add(2));
        assertThat(brief(ring.readAll(9))).containsExactly("3 add 2");
        EventRing.Slice late = ring.read(1, 9);
        assertThat(brief(late)).containsExactly("3 add 2");
        assertThat(late.dropped()).isEqualTo(1);
    }

    /**
     * The oracle: every event that happened is in a line that the reader got, or in one that it was told was dropped.
     */
    @Test
    void aReaderIsToldOfEveryLineAndLosesNoneUnsaid() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        long since = 0;
        long happened = 0;
        long told = 0;
        long missedLines = 0;
        List<Long> numbers = new ArrayList<>();
        for (int round = 0; round < 5000; round++) {
            for (int i = random.nextInt(6); i > 0; i--) {
                happen(random.nextBoolean() ? update(1 + random.nextInt(3), round) : add(1 + random.nextInt(3)));
                happened++;
            }
            if (random.nextInt(3) == 0) {
                EventRing.Slice slice = ring.read(since, 1 + random.nextInt(8));
                missedLines += slice.dropped();
                for (MonitorLine line : slice.lines()) {
                    assertThat(line.sequence()).as("seed %d", seed).isGreaterThan(since);
                    since = line.sequence();
                    numbers.add(since);
                    told += count(line);
                }
                assertThat(slice.next()).as("seed %d", seed).isEqualTo(since);
            }
        }
        EventRing.Slice rest = ring.read(since, 100);
        rest.lines().forEach(line -> numbers.add(line.sequence()));
        told += rest.lines().stream().mapToLong(EventRingTest::count).sum();
        missedLines += rest.dropped();
        assertThat(numbers).as("seed %d", seed).doesNotHaveDuplicates().isSorted();
        assertThat(numbers.size() + missedLines).as("seed %d", seed).isEqualTo(ring.last());
        assertThat(told).as("seed %d", seed).isLessThanOrEqualTo(happened);
        if (missedLines == 0) {
            assertThat(told).as("seed %d", seed).isEqualTo(happened);
        }
    }

    private static long count(MonitorLine line) {
        String text = line.text();
        int at = text.indexOf("\"count\":");
        return at < 0 ? 1 : Long.parseLong(text.substring(at + 8, text.length() - 1));
    }
}
