package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.ActionForm.Vendor;
import io.turnstile.pipeline.flow.ActionKind;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The forms of actions by what their headers say in each version, made from the rows of {@link ActionKind}.
 *
 * <p>Threads: any.
 */
public final class ActionTable {
    /** Type and length. */
    static final int STANDARD_HEADER_BYTES = 4;
    /** Type, length, vendor and subtype. */
    static final int VENDOR_HEADER_BYTES = 10;

    /** What an action's header says that it is. */
    record Entry(ActionKind kind, ActionForm form) {}

    private record Key(WireVersion version, Vendor vendor, int number) {}

    private static final Map<Key, Entry> ENTRIES = new HashMap<>();

    static {
        for (WireVersion version : WireVersion.values()) {
            for (ActionKind kind : ActionKind.values()) {
                kind.forms().forEach(form -> put(version, new Entry(kind, form)));
            }
        }
    }

    /** set_vlan_vid to set_tp_dst, set_mpls_label and set_mpls_tc, which 1.2 replaced by set_field. */
    private static final Set<Integer> REPLACED = Set.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14);

    private ActionTable() {}

    /** The types of the specification's own actions that this switch has in that version, ascending. */
    static List<Integer> standardTypes(WireVersion version) {
        return ENTRIES.entrySet().stream()
                .filter(entry -> entry.getKey().version == version && entry.getKey().vendor == Vendor.STANDARD)
                .map(entry -> entry.getKey().number)
                .filter(type -> !version.isOxm() || !REPLACED.contains(type))
                .sorted()
                .toList();
    }

    /** The same as bits by their numbers, of a version whose actions are so few. */
    public static int standardBits(WireVersion version) {
        int bits = 0;
        for (int type : standardTypes(version)) {
            bits |= 1 << type;
        }
        return bits;
    }

    private static void put(WireVersion version, Entry entry) {
        ActionForm form = entry.form();
        if (form.isIn(version.code()) && ENTRIES.put(new Key(version, form.vendor(), form.number()), entry) != null) {
            throw new IllegalStateException(form + " twice in " + version);
        }
    }

    /**
     * What stands at the reader's index, of which eight bytes are there. It is asked before the length is looked at, as
     * Open vSwitch does: that decides which error is answered.
     */
    static Entry find(ByteBuf in, WireVersion version) throws OfException {
        int at = in.readerIndex();
        int type = in.getUnsignedShort(at);
        if (type != Wire.EXPERIMENTER) {
            return find(Vendor.STANDARD, type, version, OfErrorCode.OFPBAC_BAD_TYPE);
        }
        Vendor vendor = vendor(in.getInt(at + STANDARD_HEADER_BYTES));
        Wire.need(in, VENDOR_HEADER_BYTES, OfErrorCode.OFPBAC_BAD_LEN);
        return find(vendor, in.getUnsignedShort(at + 8), version, OfErrorCode.OFPBAC_BAD_VENDOR_TYPE);
    }

    private static Entry find(Vendor vendor, int number, WireVersion version, OfErrorCode unknown) throws OfException {
        Entry entry = ENTRIES.get(new Key(version, vendor, number));
        if (entry == null) {
            throw new OfException(unknown, vendor + " action " + number + " is not supported in " + version);
        }
        return entry;
    }

    private static Vendor vendor(int experimenter) throws OfException {
        return switch (experimenter) {
            case Wire.NICIRA -> Vendor.NICIRA;
            case Wire.ONF -> Vendor.ONF;
            default ->
                throw new OfException(OfErrorCode.OFPBAC_BAD_VENDOR, "vendor 0x" + Integer.toHexString(experimenter));
        };
    }

    static int headerBytes(ActionForm form) {
        return form.vendor() == Vendor.STANDARD ? STANDARD_HEADER_BYTES : VENDOR_HEADER_BYTES;
    }

    // ---- writing ----

    /** Starts an action that has one form in this version; {@link #end} fills in its length. */
    static int start(ByteBuf out, ActionKind kind, WireVersion version) {
        return start(out, formOf(kind, version));
    }

    /** The one form that an action has in this version. */
    static ActionForm formOf(ActionKind kind, WireVersion version) {
        List<ActionForm> forms =
                kind.forms().stream().filter(form -> form.isIn(version.code())).toList();
        if (forms.size() != 1) {
            throw new IllegalArgumentException(kind + " in " + version + ": " + forms);
        }
        return forms.getFirst();
    }

    static int start(ByteBuf out, ActionForm form) {
        int start = out.writerIndex();
        switch (form.vendor()) {
            case STANDARD -> out.writeShort(form.number()).writeShort(0);
            case NICIRA -> vendorHeader(out, Wire.NICIRA, form.number());
            case ONF -> vendorHeader(out, Wire.ONF, form.number());
        }
        return start;
    }

    private static void vendorHeader(ByteBuf out, int vendor, int subtype) {
        out.writeShort(Wire.EXPERIMENTER).writeShort(0).writeInt(vendor).writeShort(subtype);
    }

    /** Pads to eight bytes. */
    static void end(ByteBuf out, int start) {
        Wire.pad(out, start);
        out.setShort(start + 2, out.writerIndex() - start);
    }

    /** An action without arguments is its header. */
    static void writeBare(ByteBuf out, ActionKind kind, WireVersion version) {
        end(out, start(out, kind, version));
    }
}
