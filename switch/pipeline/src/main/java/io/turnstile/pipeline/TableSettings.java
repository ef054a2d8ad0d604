package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.FieldSelection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a Flow_Table row says of a table (ovs-vswitchd.conf.db(5)).
 *
 * @param name null if it has none
 * @param flowLimit how many flows there may be, unless the table has room for fewer
 * @param evicts whether a flow too many makes another one go, rather than being refused
 * @param evictionFields whose values part the flows into groups for that
 */
public record TableSettings(
        @Nullable String name, long flowLimit, boolean evicts, List<FieldSelection> evictionFields) {
    /** As many flows as there is room for: Open vSwitch's limit where none is set. */
    public static final long UNLIMITED = 0xffff_ffffL;

    /** What is said of a table of which nothing is said. */
    public static final TableSettings NONE = new TableSettings(null, UNLIMITED, false, List.of());
}
