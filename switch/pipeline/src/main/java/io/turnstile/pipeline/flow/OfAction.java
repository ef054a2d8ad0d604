package io.turnstile.pipeline.flow;

import io.turnstile.conntrack.NatRequest;
import io.turnstile.datapath.Field;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Actions and instructions of a flow, free of any OpenFlow version: what the wire and the text parser both produce and
 * the translator walks. Meaning: ovs-actions(7).
 *
 * <p>An OpenFlow 1.1+ flow's instructions are flattened into this one list in the order in which they run: meter,
 * apply-actions, clear-actions, write-actions, write-metadata, goto-table.
 */
public sealed interface OfAction {

    /** The row that says everything about actions of this kind. */
    ActionKind kind();

    /** The actions that stand inside of this one. */
    default List<OfAction> nested() {
        return List.of();
    }

    /** The reserved OpenFlow port numbers as 32-bit values (OpenFlow 1.3.5 §4.5). */
    interface Ports {
        /** The lowest reserved number. */
        int MAX = 0xffffff00;
        /** The same of OpenFlow 1.0, whose numbers have 16 bits. */
        int MAX_16_BITS = MAX & 0xffff;

        int UNSET = 0xfffffff7;
        int IN_PORT = 0xfffffff8;
        int TABLE = 0xfffffff9;
        int NORMAL = 0xfffffffa;
        int FLOOD = 0xfffffffb;
        int ALL = 0xfffffffc;
        int CONTROLLER = 0xfffffffd;
        int LOCAL = 0xfffffffe;
        int NONE = 0xffffffff;

        /** Widens a 16-bit number of OpenFlow 1.0: reserved ones become their 32-bit successors. */
        static int widened(int number) {
            return number >= MAX_16_BITS ? number | 0xffff_0000 : number;
        }
    }

    /** A run of bits of a field: {@code NXM_NX_REG0[0..15]}. */
    record SubField(Field field, int offsetBits, int widthBits) {
        public static SubField whole(Field field) {
            return new SubField(field, 0, field.widthBits());
        }
    }

    /**
     * {@code output:port}, with the reserved ports of {@link Ports} except CONTROLLER.
     *
     * @param maxLengthBytes what was said with it; means nothing but to who asks for it again
     */
    record Output(int port, int maxLengthBytes) implements OfAction {
        /** As tools write it. */
        public Output(int port) {
            this(port, 0);
        }

        @Override
        public ActionKind kind() {
            return ActionKind.OUTPUT;
        }
    }

    /** {@code output:src[]}: the port number is read from a field. */
    record OutputField(SubField source, int maxLengthBytes) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.OUTPUT_FIELD;
        }
    }

    /** {@code output(port=…,max_len=…)}: no more than so many bytes of each frame, its Ethernet header included. */
    record OutputTruncated(int port, int maxLengthBytes) implements OfAction {
        /** An Ethernet header. */
        public static final int LEAST_BYTES = 14;

        @Override
        public ActionKind kind() {
            return ActionKind.OUTPUT_TRUNCATED;
        }
    }

    /**
     * {@code sample(…)}: some of the packets are for a collector.
     *
     * @param probability of 65535 packets so many, 1 at least
     * @param samplingPort {@link Ports#NONE} if there is none
     */
    record Sample(
            int probability,
            int collectorSetId,
            int observationDomainId,
            int observationPointId,
            int samplingPort,
            Direction direction)
            implements OfAction {

        /** In the order of the numbers (NX_ACTION_SAMPLE_*). */
        public enum Direction {
            DEFAULT,
            INGRESS,
            EGRESS
        }

        @Override
        public ActionKind kind() {
            return ActionKind.SAMPLE;
        }
    }

    /**
     * {@code controller(…)}.
     *
     * @param reason what the packet-in says
     * @param controllerId 0 unless the flow names one
     * @param userdata bytes that the packet-in brings along
     * @param pause whether the packet goes no further until a controller says so
     * @param meterId the meter that limits them, {@link #NO_METER}: that of all packets to the controllers
     */
    record Controller(
            int maxLengthBytes,
            PacketInReason reason,
            int controllerId,
            List<Byte> userdata,
            boolean pause,
            int meterId)
            implements OfAction {
        public static final int NO_METER = 0;

        /** Without what only Nicira's newer action can say. */
        public Controller(int maxLengthBytes, PacketInReason reason, int controllerId) {
            this(maxLengthBytes, reason, controllerId, List.of(), false, NO_METER);
        }

        /** Whether it says what an output to the controllers does, and no more. */
        public boolean isPlain() {
            return reason == PacketInReason.ACTION && controllerId == 0 && !isExtended();
        }

        /** Whether only Nicira's newer action can say it. */
        public boolean isExtended() {
            return !userdata.isEmpty() || pause || meterId != NO_METER;
        }

        @Override
        public ActionKind kind() {
            return ActionKind.CONTROLLER;
        }
    }

    /**
     * {@code set_field:value[/mask]->field} and {@code load:}; both write masked bits of one field.
     *
     * @param spelling how it was written, to be shown the same way again
     */
    record SetField(Field field, long valueHigh, long valueLow, long maskHigh, long maskLow, Spelling spelling)
            implements OfAction {

        /** As what it came. */
        public enum Spelling {
            SET_FIELD,
            LOAD,
            /**
             * OpenFlow 1.0's own action for one field. Its match need not say that packets have the field: those that
             * have not stay as they are.
             */
            MOD
        }

        /** As {@code set_field}. */
        public SetField(Field field, long valueHigh, long valueLow, long maskHigh, long maskLow) {
            this(field, valueHigh, valueLow, maskHigh, maskLow, Spelling.SET_FIELD);
        }

        /** As {@code set_field} or {@code load}. */
        public SetField(
                Field field, long valueHigh, long valueLow, long maskHigh, long maskLow, boolean spelledAsLoad) {
            this(field, valueHigh, valueLow, maskHigh, maskLow, spelledAsLoad ? Spelling.LOAD : Spelling.SET_FIELD);
        }

        /** Whether it was written as {@code load}. */
        public boolean spelledAsLoad() {
            return spelling == Spelling.LOAD;
        }

        @Override
        public ActionKind kind() {
            return ActionKind.SET_FIELD;
        }
    }

    /** {@code move:src->dst}. */
    record Move(SubField source, SubField destination) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.MOVE;
        }
    }

    /** {@code mod_vlan_vid} (12 bits): sets, pushing a tag if there is none and {@code pushIfNeeded}. */
    record SetVlanVid(int vid, boolean pushIfNeeded) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.SET_VLAN_VID;
        }
    }

    /** {@code mod_vlan_pcp} (3 bits). */
    record SetVlanPcp(int pcp, boolean pushIfNeeded) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.SET_VLAN_PCP;
        }
    }

    record PushVlan(int etherType) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.PUSH_VLAN;
        }
    }

    /** {@code strip_vlan} / {@code pop_vlan}. */
    record PopVlan() implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.POP_VLAN;
        }
    }

    /** {@code push_mpls:type}: one more entry of the label stack, like the outermost one or, without any, from IP. */
    record PushMpls(int etherType) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.PUSH_MPLS;
        }
    }

    /** {@code pop_mpls:type}: takes the outermost entry off, and says of which type what is behind it is. */
    record PopMpls(int etherType) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.POP_MPLS;
        }
    }

    /** {@code set_mpls_label(…)} and the like: OpenFlow 1.1's own actions for parts of the outermost entry. */
    record SetMpls(Part part, int value) implements OfAction {

        /** A part of an entry of the label stack. */
        public enum Part {
            LABEL(20),
            TC(3),
            TTL(8);

            private final int widthBits;

            Part(int widthBits) {
                this.widthBits = widthBits;
            }

            public int widthBits() {
                return widthBits;
            }
        }

        @Override
        public ActionKind kind() {
            return ActionKind.SET_MPLS;
        }
    }

    /** {@code dec_mpls_ttl}; at TTL ≤ 1 the packet goes to the controllers and its walk ends. */
    record DecMplsTtl() implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.DEC_MPLS_TTL;
        }
    }

    /**
     * {@code encap(…)}: puts a header in front of the packet.
     *
     * @param packetType what the packet is then: namespace and type, 16 bits each
     */
    record Encap(int packetType, List<EncapProperty> properties) implements OfAction {
        /** Whether there is a header that makes that of a packet. */
        public static boolean isHeader(int packetType) {
            return EncapText.isHeader(packetType);
        }

        @Override
        public ActionKind kind() {
            return ActionKind.ENCAP;
        }
    }

    /** What is to be said of a header that is put in front: of a network service header, so far. */
    sealed interface EncapProperty {
        /** The type of its metadata. */
        record MdType(int type) implements EncapProperty {}

        /** A piece of its metadata of type 2. */
        record Tlv(int tlvClass, int type, List<Byte> data) implements EncapProperty {
            public static final int MOST_BYTES = 127;
        }
    }

    /**
     * {@code decap(…)}: takes the outermost header off.
     *
     * @param packetType what the packet is then, {@link #BY_HEADER} if the header tells
     */
    record Decap(int packetType) implements OfAction {
        public static final int BY_HEADER = 0xfffe;

        @Override
        public ActionKind kind() {
            return ActionKind.DECAP;
        }
    }

    /** {@code dec_nsh_ttl}; at TTL ≤ 1 the packet goes to the controllers and its walk ends. */
    record DecNshTtl() implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.DEC_NSH_TTL;
        }
    }

    /** {@code dec_ttl}; at TTL ≤ 1 the packet goes to the controllers and its walk ends. */
    record DecTtl() implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.DEC_TTL;
        }
    }

    /**
     * {@code dec_ttl(…)}: the same, but the packet goes to these controllers.
     *
     * @param controllerIds 16 bits each; none: it goes to nobody
     */
    record DecTtlFor(List<Integer> controllerIds) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.DEC_TTL_FOR;
        }
    }

    /** {@code clone(…)}: the actions run, and the walk goes on with packet, fields, stack and set as they were. */
    record Clone(List<OfAction> actions) implements OfAction {
        @Override
        public List<OfAction> nested() {
            return actions;
        }

        @Override
        public ActionKind kind() {
            return ActionKind.CLONE;
        }
    }

    /**
     * {@code conjunction(…)}: packets of this flow meet one clause of those that a flow with {@code conj_id} waits for.
     *
     * @param clause from 0 on
     * @param clauses how many there are, 2 to 64
     */
    record Conjunction(int id, int clause, int clauses) implements OfAction {
        public static final int FEWEST_CLAUSES = 2;
        public static final int MOST_CLAUSES = 64;

        @Override
        public ActionKind kind() {
            return ActionKind.CONJUNCTION;
        }
    }

    /** {@code fin_timeout(…)}: a TCP packet with FIN or RST shortens its flow's timeouts to these; 0 leaves one. */
    record FinTimeout(int idleSeconds, int hardSeconds) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.FIN_TIMEOUT;
        }
    }

    /**
     * {@code learn(…)}: adds or changes a flow.
     *
     * @param limit how many flows with this cookie the table may have for one more to be learned; 0: any number
     * @param result the bit that is told whether the flow is there now; null: none
     */
    record Learn(
            int tableId,
            int idleTimeoutSeconds,
            int hardTimeoutSeconds,
            int finIdleTimeoutSeconds,
            int finHardTimeoutSeconds,
            int priority,
            long cookie,
            boolean sendFlowRem,
            boolean deleteLearned,
            int limit,
            @Nullable FieldPart result,
            List<LearnedPart> parts)
            implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.LEARN;
        }
    }

    /** Bits of a field by the name that the flow has for them, in that one's numbering. */
    record FieldPart(MatchField field, int offsetBits, int widthBits) {
        public SubField toKey() {
            return new SubField(field.field(), field.offsetBits() + offsetBits, widthBits);
        }
    }

    /** What of a learned flow comes from one place. */
    sealed interface LearnedPart {
        /** The flow matches on these bits, with the packet's value of the source. */
        record Matched(FieldPart destination, FieldPart source) implements LearnedPart {}

        /** The same with a given value. */
        record MatchedValue(FieldPart destination, Bits value) implements LearnedPart {}

        /** The flow loads the packet's value of the source into these bits. */
        record Loaded(FieldPart destination, FieldPart source) implements LearnedPart {}

        /** The same with a given value. */
        record LoadedValue(FieldPart destination, Bits value) implements LearnedPart {}

        /** The flow outputs to the port whose number the packet has there. */
        record Output(FieldPart source) implements LearnedPart {}
    }

    /** {@code check_pkt_larger(…)}: the bit says whether the frame has more bytes, with its Ethernet header. */
    record CheckPktLarger(int lengthBytes, FieldPart result) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.CHECK_PKT_LARGER;
        }
    }

    /** {@code enqueue:port:queue}, of OpenFlow 1.0: output with that queue. */
    record Enqueue(int port, int queueId) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.ENQUEUE;
        }
    }

    /**
     * {@code multipath(…)}: stores which of {@code links} links the packet takes.
     *
     * @param argument of {@link Algorithm#ITER_HASH} alone: how many there would be if none were missing
     */
    record Multipath(HashFields fields, int basis, Algorithm algorithm, int links, int argument, FieldPart destination)
            implements OfAction {

        /** In the order of the numbers (NX_MP_ALG_*). */
        public enum Algorithm {
            MODULO_N,
            HASH_THRESHOLD,
            HRW,
            ITER_HASH
        }

        @Override
        public ActionKind kind() {
            return ActionKind.MULTIPATH;
        }
    }

    /**
     * {@code bundle(…)} and {@code bundle_load(…)}: chooses one of those ports that are up.
     *
     * @param highestRandomWeight else the first one
     * @param destination where its number is stored; null: the packet is sent there
     */
    record Bundle(
            HashFields fields,
            int basis,
            boolean highestRandomWeight,
            @Nullable FieldPart destination,
            List<Integer> members)
            implements OfAction {
        public static final int MOST_MEMBERS = 2048;

        @Override
        public ActionKind kind() {
            return ActionKind.BUNDLE;
        }
    }

    /** {@code exit}: nothing more runs in this bridge, on no level of resubmit, the action set included. */
    record Exit() implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.EXIT;
        }
    }

    /** {@code set_queue:}: the queue of every port that the packet leaves by from here on. */
    record SetQueue(int queueId) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.SET_QUEUE;
        }
    }

    /** {@code pop_queue}: the queue that the packet came with. */
    record PopQueue() implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.POP_QUEUE;
        }
    }

    /** {@code resubmit(port,table)}: {@code inPort} {@link Ports#IN_PORT} keeps the port, table 255 keeps the table. */
    record Resubmit(int inPort, int tableId, boolean withConntrackTuple) implements OfAction {
        public static final int SAME_TABLE = 255;

        @Override
        public ActionKind kind() {
            return ActionKind.RESUBMIT;
        }
    }

    /**
     * {@code ct(…)}.
     *
     * @param zoneField where the zone comes from; null: {@code zone} is it
     * @param recircTable 255: no recirculation
     * @param helper alg port, 0 none
     * @param exec nested set_field / load / move on ct_mark and ct_label, and nat, only
     */
    record Ct(
            boolean commit,
            boolean force,
            @Nullable SubField zoneField,
            int zone,
            int recircTable,
            int helper,
            List<OfAction> exec)
            implements OfAction {
        public static final int NO_RECIRCULATION = 255;
        /** {@code helper}: the ports of the protocols. */
        public static final int FTP = 21;

        public static final int TFTP = 69;

        @Override
        public List<OfAction> nested() {
            return exec;
        }

        @Override
        public ActionKind kind() {
            return ActionKind.CT;
        }
    }

    /** {@code nat(…)}, inside {@link Ct} only. */
    record Nat(NatRequest request) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.NAT;
        }
    }

    record CtClear() implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.CT_CLEAR;
        }
    }

    /** {@code debug_recirc}: the packet recirculates, for who looks at how walks go on. */
    record DebugRecirc() implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.DEBUG_RECIRC;
        }
    }

    /** {@code debug_slow}: no datapath flow is made, and each packet walks by itself. */
    record DebugSlow() implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.DEBUG_SLOW;
        }
    }

    /** {@code group:N}: the group's buckets. */
    record Group(int groupId) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.GROUP;
        }
    }

    /** {@code meter:N}: the packet goes on unless the meter drops it. */
    record Meter(int meterId) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.METER;
        }
    }

    /** {@code write_metadata:value/mask}. */
    record WriteMetadata(long value, long mask) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.WRITE_METADATA;
        }
    }

    record GotoTable(int tableId) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.GOTO_TABLE;
        }
    }

    record ClearActions() implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.CLEAR_ACTIONS;
        }
    }

    /** {@code write_actions(…)}: merged into the action set (OpenFlow 1.3.5 §5.10). */
    record WriteActions(List<OfAction> actions) implements OfAction {
        @Override
        public List<OfAction> nested() {
            return actions;
        }

        @Override
        public ActionKind kind() {
            return ActionKind.WRITE_ACTIONS;
        }
    }

    /** {@code note:}: does nothing, kept to be shown. */
    record Note(byte[] bytes) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.NOTE;
        }
    }

    /** {@code stack push / pop}. */
    record StackPush(SubField source) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.STACK_PUSH;
        }
    }

    record StackPop(SubField destination) implements OfAction {
        @Override
        public ActionKind kind() {
            return ActionKind.STACK_POP;
        }
    }
}
