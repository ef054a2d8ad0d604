package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which options of Geneve the fields {@code tun_metadata0} to {@code tun_metadata63} of a bridge stand for
 * (ovs-fields(7), "Tunnel Metadata"). Changes are made whole or not at all.
 *
 * <p>Threads: any.
 */
public final class TlvTable {
    /** How many such fields there are. */
    public static final int FIELDS = 64;
    /** How many bytes all mapped options together may have. */
    public static final int OPTION_SPACE_BYTES = 256;

    private static final int MAX_OPTION_BYTES = 124;
    private static final int UNIT_BYTES = 4;

    /** One field's option. */
    public record Mapping(int optionClass, int optionType, int lengthBytes, int index) {}

    private record Option(int optionClass, int optionType) {}

    private volatile List<Mapping> mappings = List.of();

    /** All mappings, by the number of the field. */
    public List<Mapping> mappings() {
        return mappings;
    }

    /**
     * Maps more options.
     *
     * @throws OfException if one is not possible, or its field or option is mapped already; then none is added
     */
    public synchronized void add(Collection<Mapping> more) throws OfException {
        check(more);
        Map<Integer, Mapping> byIndex = byIndex();
        Map<Option, Mapping> byOption = new HashMap<>();
        byIndex.values().forEach(mapping -> byOption.put(optionOf(mapping), mapping));
        int usedBytes = byIndex.values().stream().mapToInt(Mapping::lengthBytes).sum();
        for (Mapping mapping : more) {
            if (byIndex.putIfAbsent(mapping.index, mapping) != null) {
                throw new OfException(OfErrorCode.NXTTMFC_ALREADY_MAPPED, "tun_metadata" + mapping.index);
            }
            if (byOption.putIfAbsent(optionOf(mapping), mapping) != null) {
                throw new OfException(OfErrorCode.NXTTMFC_DUP_ENTRY, mapping.toString());
            }
            usedBytes += mapping.lengthBytes;
            if (usedBytes > OPTION_SPACE_BYTES) {
                throw new OfException(OfErrorCode.NXTTMFC_TABLE_FULL, usedBytes + " bytes of options");
            }
        }
        mappings = List.copyOf(byIndex.values());
    }

    /** Forgets the mappings of these fields; those that are not mapped are passed over. */
    public synchronized void delete(Collection<Mapping> fewer) throws OfException {
        check(fewer);
        Map<Integer, Mapping> byIndex = byIndex();
        fewer.forEach(mapping -> byIndex.remove(mapping.index));
        mappings = List.copyOf(byIndex.values());
    }

    /** Forgets all mappings. */
    public synchronized void clear() {
        mappings = List.of();
    }

    private static void check(Collection<Mapping> asked) throws OfException {
        for (Mapping mapping : asked) {
            if (mapping.lengthBytes % UNIT_BYTES != 0 || mapping.lengthBytes > MAX_OPTION_BYTES) {
                throw new OfException(OfErrorCode.NXTTMFC_BAD_OPT_LEN, mapping.lengthBytes + " bytes");
            }
            if (mapping.index >= FIELDS) {
                throw new OfException(OfErrorCode.NXTTMFC_BAD_FIELD_IDX, "tun_metadata" + mapping.index);
            }
        }
    }

    private Map<Integer, Mapping> byIndex() {
        Map<Integer, Mapping> byIndex = new TreeMap<>();
        mappings.forEach(mapping -> byIndex.put(mapping.index, mapping));
        return byIndex;
    }

    private static Option optionOf(Mapping mapping) {
        return new Option(mapping.optionClass, mapping.optionType);
    }
}
