package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.offload.spi.ConnChange;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a lane packs into a slot's word and cell fits there, and nothing lies upon anything else. */
class SlotTableLayoutTest {
    private static final long ID = 7L << 32 | 5;
    /** Constants that are no flag of their own. */
    private static final Set<String> OTHERS = Set.of(
            "REASON_SHIFT",
            "REASON_MASK",
            "CHANGES_SHIFT",
            "CHANGES_MASK",
            "PORT_CHANGE",
            "UNTOLD",
            "TAKEN",
            "STATE_BITS",
            "STATE_MASK",
            "CHUNK_BITS",
            "CHUNK_SLOTS",
            "CHUNK_MASK",
            "SLOT_BYTES");

    private final SlotTable table = new SlotTable();

    @Test
    void flagsAndTheReasonAreDisjointAndInTheLowerHalf() throws IllegalAccessException {
        List<Integer> flags = new ArrayList<>();
        for (Field field : SlotTable.class.getDeclaredFields()) {
            if (field.getType() == int.class && !OTHERS.contains(field.getName())) {
                field.setAccessible(true);
                flags.add(field.getInt(null));
            }
        }
        assertThat(flags)
                .hasSizeGreaterThan(10)
                .doesNotHaveDuplicates()
                .allMatch(flag -> Integer.bitCount(flag) == 1
                        && flag > 0
                        && (flag & (SlotTable.REASON_MASK | SlotTable.CHANGES_MASK)) == 0);
        assertThat(SlotTable.REASON_MASK & SlotTable.CHANGES_MASK).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void everyRemovalReasonFits(RemovalReason reason) {
        int packed = reason.ordinal() << SlotTable.REASON_SHIFT;
        assertThat(packed & SlotTable.REASON_MASK).isEqualTo(packed);
        WorkItem item = new WorkItem();
        item.flags = SlotTable.REMOVED | packed;
        assertThat(item.delReason(null).name()).isEqualTo(reason.name());
    }

    @ParameterizedTest
    @EnumSource
    void everyChangeThatProvidersAreToldOfHasTheTrackersBit(ConnChange change) {
        int bit = switch (change) {
            case MARK -> ConnectionListener.MARK_CHANGED;
            case LABEL -> ConnectionListener.LABEL_CHANGED;
            case TCP -> ConnectionListener.TCP_CHANGED;
            case PORT -> ConnectionListener.PORT_CHANGED;
        };
        int packed = bit << SlotTable.CHANGES_SHIFT;
        assertThat(packed & SlotTable.CHANGES_MASK).isEqualTo(packed);
        WorkItem item = new WorkItem();
        item.flags = packed;
        assertThat(item.changes()).containsExactly(change);
    }

    @ParameterizedTest
    @EnumSource
    void everyStateFitsBesideEveryReason(OffloadState state) {
        int slot = SlotTable.slotOf(ID);
        SlotTable.Chunk chunk = table.chunkFor(slot);
        for (int reason : new int[] {0, 1, ReasonTable.CAPACITY, ReasonTable.CAPACITY + 1}) {
            table.setState(chunk, slot, state, reason);
            int cell = table.cell(chunk, slot);
            assertThat(SlotTable.state(cell)).isEqualTo(state);
            assertThat(SlotTable.reasonIndex(cell)).isEqualTo(reason);
        }
    }

    @Test
    void stepsOfAnItemAreDistinctBits() {
        assertThat(List.of(WorkItem.QUERY, WorkItem.ADD, WorkItem.ESTABLISHED, WorkItem.UPDATE, WorkItem.DELETE))
                .doesNotHaveDuplicates()
                .allMatch(step -> Integer.bitCount(step) == 1)
                .isSorted();
    }
}
