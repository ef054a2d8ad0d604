package io.turnstile.pipeline;

/** What a controller says of a table (OFPT_TABLE_MOD), which has changed from version to version. */
public sealed interface TableMod {

    /** OpenFlow 1.1 and 1.2: what becomes of packets that no flow matches. */
    record Misses(TableMiss miss) implements TableMod {}

    /**
     * Since OpenFlow 1.4: what becomes of flows that are too many, and whether controllers hear how full the table is.
     *
     * @param evicts whether other flows go for them; if not, {@link TableSettings#evicts} may still say so
     * @param vacancyDown in percent: with less left than that, controllers are told
     * @param vacancyUp in percent: with more left than that, they are told
     */
    record Overflow(boolean evicts, boolean hasVacancyEvents, int vacancyDown, int vacancyUp) implements TableMod {}
}
