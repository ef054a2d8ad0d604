package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.PausedWalk;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The continuation that NXT_PACKET_IN2 takes to a controller and NXT_RESUME brings back: properties that mean nothing
 * to anybody else. Those that Open vSwitch has too are numbered and laid out as there, so that its tools can show them
 * ({@code enum nx_continuation_prop_type} of its lib/ofp-packet.c); they overlook the rest.
 *
 * <p>Threads: any.
 */
final class ContinuationCodec {
    private static final int BRIDGE = 0x8000;
    private static final int STACK = 0x8001;
    private static final int MIRRORS = 0x8002;
    private static final int CONNTRACKED = 0x8003;
    private static final int TABLE_ID = 0x8004;
    private static final int COOKIE = 0x8005;
    private static final int ACTIONS = 0x8006;
    private static final int ACTION_SET = 0x8007;
    private static final int ODP_PORT = 0x8008;
    // Our own.
    /** One action that the message's version cannot say: a version, padding to eight bytes, the action in that one. */
    private static final int FOREIGN_ACTION = 0x8100;
    /** write_actions, as {@link #ACTIONS}. */
    private static final int WRITE_ACTIONS = 0x8101;

    private static final int CLEAR_ACTIONS = 0x8102;

    private static final int UUID_BYTES = 16;
    private static final int STACK_ENTRY_MOST_BYTES = 128;
    /** A bridge that was not named, which no bridge is. */
    private static final UUID NO_BRIDGE = new UUID(0, 0);

    private ContinuationCodec() {}

    // ---- writing ----

    static void write(ByteBuf out, PausedWalk paused, WireVersion version) {
        int property = Wire.startProperty(out, BRIDGE);
        out.writeLong(paused.bridge().getMostSignificantBits())
                .writeLong(paused.bridge().getLeastSignificantBits());
        Wire.endProperty(out, property);
        for (int i = paused.stack().size() - 2; i >= 0; i -= 2) { // the top first
            property = Wire.startProperty(out, STACK);
            out.writeLong(paused.stack().get(i)).writeLong(paused.stack().get(i + 1));
            Wire.endProperty(out, property);
        }
        if (paused.conntrackVisible()) {
            Wire.endProperty(out, Wire.startProperty(out, CONNTRACKED));
        }
        for (PausedWalk.Rest rest : paused.rest()) {
            property = Wire.startProperty(out, TABLE_ID); // each begins with it, to be told apart
            out.writeByte(rest.tableId());
            Wire.endProperty(out, property);
            property = Wire.startProperty(out, COOKIE);
            out.writeZero(4).writeLong(rest.cookie());
            Wire.endProperty(out, property);
            writeActions(out, ACTIONS, rest.actions(), version);
        }
        writeActions(out, ACTION_SET, paused.actionSet(), version);
        property = Wire.startProperty(out, ODP_PORT);
        out.writeInt(paused.datapathPort());
        Wire.endProperty(out, property);
    }

    /** Actions that the version can say stand together. */
    private static void writeActions(ByteBuf out, int type, List<OfAction> actions, WireVersion version) {
        List<OfAction> run = new ArrayList<>();
        for (OfAction action : actions) {
            if (isFaithful(action, version)) {
                run.add(action);
                continue;
            }
            writeRun(out, type, run, version);
            run.clear();
            switch (action) {
                case OfAction.WriteActions write -> writeActions(out, WRITE_ACTIONS, write.actions(), version);
                case OfAction.ClearActions _ -> Wire.endProperty(out, Wire.startProperty(out, CLEAR_ACTIONS));
                default -> writeForeign(out, type, action, version);
            }
        }
        writeRun(out, type, run, version);
    }

    private static void writeRun(ByteBuf out, int type, List<OfAction> run, WireVersion version) {
        if (!run.isEmpty()) {
            int property = Wire.startProperty(out, type);
            out.writeZero(4);
            ActionCodec.write(out, run, Match.ANY, version);
            Wire.endProperty(out, property);
        }
    }

    /** The type that it stands for comes first. */
    private static void writeForeign(ByteBuf out, int type, OfAction action, WireVersion version) {
        WireVersion able = version;
        for (WireVersion other : WireVersion.values()) {
            able = isFaithful(action, other) ? other : able;
        }
        int property = Wire.startProperty(out, FOREIGN_ACTION);
        out.writeShort(type).writeByte(able.code()).writeByte(0);
        ActionCodec.write(out, List.of(action), Match.ANY, able);
        Wire.endProperty(out, property);
    }

    /** Whether the action is the same when it is read again. */
    private static boolean isFaithful(OfAction action, WireVersion version) {
        ByteBuf written = Unpooled.buffer();
        ActionCodec.write(written, List.of(action), Match.ANY, version);
        try {
            return ActionCodec.read(written, version).equals(List.of(action));
        } catch (OfException notOfThatVersion) {
            return false;
        }
    }

    // ---- reading ----

    static PausedWalk read(ByteBuf in, WireVersion version) throws OfException {
        Reading reading = new Reading(version);
        while (in.isReadable()) {
            reading.take(Property.read(in));
        }
        return reading.result();
    }

    private static final class Reading {
        private final WireVersion version;
        private UUID bridge = NO_BRIDGE;
        private int datapathPort;
        private final List<Long> stack = new ArrayList<>();
        private boolean conntracked;
        private int tableId;
        private long cookie;
        private final List<PausedWalk.Rest> rest = new ArrayList<>();
        /** Those of the list that comes next in {@link #rest}. */
        private final List<OfAction> actions = new ArrayList<>();

        private final List<OfAction> actionSet = new ArrayList<>();

        Reading(WireVersion version) {
            this.version = version;
        }

        void take(Property property) throws OfException {
            ByteBuf value = property.value();
            switch (property.type()) {
                case BRIDGE -> bridge = uuid(property);
                case STACK -> pushBelow(value);
                case MIRRORS -> property.value32();
                case CONNTRACKED -> conntracked = true;
                case TABLE_ID -> {
                    endList();
                    tableId = property.atLeast8();
                }
                case COOKIE -> {
                    endList();
                    cookie = property.value64();
                }
                case ACTIONS -> actions.addAll(ActionCodec.read(property.nested(), version));
                case ACTION_SET -> actionSet.addAll(ActionCodec.read(property.nested(), version));
                case ODP_PORT -> datapathPort = property.value32();
                case WRITE_ACTIONS ->
                    actions.add(new OfAction.WriteActions(ActionCodec.read(property.nested(), version)));
                case CLEAR_ACTIONS -> actions.add(new OfAction.ClearActions());
                case FOREIGN_ACTION -> takeForeign(value);
                default -> throw property.unknownPrivately();
            }
        }

        private static UUID uuid(Property property) throws OfException {
            if (property.value().readableBytes() != UUID_BYTES) {
                throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "the name of a bridge");
            }
            return new UUID(property.value().readLong(), property.value().readLong());
        }

        /** They come from the top down; of any length, right aligned. */
        private void pushBelow(ByteBuf value) throws OfException {
            if (value.readableBytes() > STACK_ENTRY_MOST_BYTES) {
                throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "an entry of the stack");
            }
            long high = 0;
            long low = 0;
            while (value.isReadable()) {
                high = high << Byte.SIZE | low >>> Long.SIZE - Byte.SIZE;
                low = low << Byte.SIZE | value.readUnsignedByte();
            }
            stack.addAll(0, List.of(high, low));
        }

        private void takeForeign(ByteBuf value) throws OfException {
            Wire.need(value, 4, OfErrorCode.OFPBPC_BAD_LEN);
            int type = value.readUnsignedShort();
            WireVersion able = versionOf(value.readUnsignedByte());
            value.skipBytes(1);
            if (able == null) {
                throw new OfException(OfErrorCode.OFPBPC_BAD_VALUE, "an action of no version");
            }
            List<OfAction> read = ActionCodec.read(value, able);
            switch (type) {
                case ACTIONS -> actions.addAll(read);
                case ACTION_SET -> actionSet.addAll(read);
                case WRITE_ACTIONS -> actions.add(new OfAction.WriteActions(read));
                default -> throw new OfException(OfErrorCode.OFPBPC_BAD_VALUE, "an action of nothing");
            }
        }

        private static @Nullable WireVersion versionOf(int code) {
            for (WireVersion version : WireVersion.values()) {
                if (version.code() == code) {
                    return version;
                }
            }
            return null;
        }

        private void endList() {
            if (!actions.isEmpty()) {
                rest.add(new PausedWalk.Rest(tableId, cookie, List.copyOf(actions)));
                actions.clear();
            }
        }

        PausedWalk result() {
            endList();
            return new PausedWalk(
                    bridge, datapathPort, List.copyOf(stack), conntracked, List.copyOf(rest), List.copyOf(actionSet));
        }
    }
}
