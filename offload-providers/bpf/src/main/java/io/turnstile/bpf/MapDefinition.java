package io.turnstile.bpf;

import java.util.EnumSet;
import java.util.Set;

/**
 * What a map shall be.
 *
 * @param name 1 to 15 letters, digits, {@code _} and {@code .}; for people
 * @param keyBytes size of a key
 * @param valueBytes size of a value, for one CPU
 * @param maxEntries how many entries it holds at most
 */
public record MapDefinition(
        String name, MapType type, int keyBytes, int valueBytes, int maxEntries, Set<MapFlag> flags) {

    public MapDefinition {
        ObjectName.require(name);
        if (keyBytes <= 0 || valueBytes <= 0 || maxEntries <= 0) {
            throw new IllegalArgumentException("map " + name + ": a key of " + keyBytes + " bytes, a value of "
                    + valueBytes + " and " + maxEntries + " entries: each has to be more than 0");
        }
        flags = Set.copyOf(flags);
    }

    public static MapDefinition of(String name, MapType type, int keyBytes, int valueBytes, int maxEntries) {
        return new MapDefinition(name, type, keyBytes, valueBytes, maxEntries, Set.of());
    }

    /** The same with flags in place of those it has. */
    public MapDefinition with(MapFlag first, MapFlag... more) {
        return new MapDefinition(name, type, keyBytes, valueBytes, maxEntries, EnumSet.of(first, more));
    }

    /**
     * The size of what stands under one key, as it is handed in and out: where there is a value for each CPU, that many
     * values, each begun at a multiple of 8 bytes.
     */
    public long entryBytes() {
        return type.isPerCpu() ? valueStrideBytes() * PossibleCpus.count() : valueBytes;
    }

    /** From one CPU's value to the next, and from one value of an array to the next in the kernel's memory. */
    public long valueStrideBytes() {
        return (valueBytes + 7L) & ~7L;
    }

    int flagBits() {
        return flags.stream().mapToInt(MapFlag::mask).sum();
    }
}
