package io.turnstile.datapath;

import io.turnstile.address.AddressText;
import io.turnstile.conntrack.Alg;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.datapath.DatapathAction.SetField;
import io.turnstile.packet.EtherTypes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Datapath actions as text. Rewrites of one header that follow each other are shown as one {@code set}. */
final class ActionText {
    private final long @Nullable [] key;
    private final IntFunction<String> portName;

    ActionText(long @Nullable [] key, IntFunction<String> portName) {
        this.key = key;
        this.portName = portName;
    }

    String text(DatapathAction[] actions) {
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < actions.length; i++) {
            if (actions[i] instanceof SetField set && set.field() == Field.MPLS_LSE) {
                parts.add("set(mpls(" + LabelStack.entryText(set.valueLow()) + "))");
            } else if (actions[i] instanceof SetField set && set.field() != Field.VLAN_TCI) {
                HeaderText header = headerOf(set.field());
                int end = endOfHeader(actions, i, header);
                parts.add(setHeader(actions, i, end, header));
                i = end - 1;
            } else {
                parts.add(text(actions[i]));
            }
        }
        return parts.isEmpty() ? "drop" : String.join(",", parts);
    }

    private String text(DatapathAction action) {
        return switch (action) {
            case DatapathAction.Output output -> portName.apply(output.port());
            case DatapathAction.OutputTruncated output ->
                "trunc(" + Integer.toUnsignedString(output.maxBytes()) + ")," + portName.apply(output.port());
            case DatapathAction.Userspace userspace ->
                "userspace(pid=0,"
                        + (userspace.cookie() instanceof DatapathFlowText.UserspaceText text
                                ? text.userspaceText()
                                : "controller")
                        + ")";
            // Open vSwitch rewrites a tag by taking it off and putting another on.
            case SetField tag -> "pop_vlan," + pushVlan(EtherTypes.VLAN, (int) tag.valueLow());
            case DatapathAction.PushVlan push -> pushVlan(push.tpid(), push.tci());
            case DatapathAction.PopVlan _ -> "pop_vlan";
            case DatapathAction.PushMpls push ->
                "push_mpls(" + LabelStack.entryText(push.entry()) + ",eth_type=" + FieldText.hex(push.etherType())
                        + ")";
            case DatapathAction.AddMpls add ->
                "add_mpls(" + LabelStack.entryText(add.entry()) + ",eth_type=" + FieldText.hex(add.etherType()) + ")";
            case DatapathAction.PushEthernet push ->
                "push_eth(src=" + AddressText.mac(push.source()) + ",dst=" + AddressText.mac(push.destination()) + ")";
            case DatapathAction.PopEthernet _ -> "pop_eth";
            case DatapathAction.PushNsh push -> "push_nsh(" + NshText.of(push.header()) + ")";
            case DatapathAction.PopNsh _ -> "pop_nsh()";
            case DatapathAction.PopMpls pop -> "pop_mpls(eth_type=" + FieldText.hex(pop.etherType()) + ")";
            case DatapathAction.Ct ct -> ct(ct.request());
            case DatapathAction.CtClear _ -> "ct_clear";
            case DatapathAction.Recirculate recirculate ->
                "recirc(0x" + Integer.toHexString(recirculate.recirculationId()) + ")";
            case DatapathAction.CheckPacketLength check ->
                "check_pkt_len(size=" + check.bytes() + ",gt(" + text(check.longer()) + "),le(" + text(check.others())
                        + "))";
            case DatapathAction.Clone clone -> "clone(" + text(clone.actions()) + ")";
            case DatapathAction.Hash hash ->
                "hash(" + hash.algorithm().label() + "(" + Integer.toUnsignedString(hash.basis()) + "))";
            case DatapathAction.Metered metered -> "meter(" + metered.meter().number() + ")";
            case DatapathAction.Drop _ -> "drop";
        };
    }

    private static String pushVlan(int tpid, int tci) {
        String type = tpid == EtherTypes.VLAN ? "" : "tpid=0x%04x,".formatted(tpid);
        return "push_vlan(" + type + "vid=" + FieldValues.vlanId(tci) + ",pcp=" + FieldValues.vlanPriority(tci) + ")";
    }

    private static String ct(CtRequest request) {
        List<String> options = new ArrayList<>();
        if (request.commit()) {
            options.add(request.force() ? "force_commit" : "commit");
        }
        if (request.zone() != 0) {
            options.add("zone=" + request.zone());
        }
        if (request.markMask() != 0) {
            options.add("mark=" + FieldText.hex(request.mark() & 0xffff_ffffL) + "/"
                    + FieldText.hex(request.markMask() & 0xffff_ffffL));
        }
        if (request.labelMaskHigh() != 0 || request.labelMaskLow() != 0) {
            options.add("label="
                    + FieldText.HEX.masked(
                            Field.CT_LABEL,
                            request.labelHigh(),
                            request.labelLow(),
                            request.labelMaskHigh(),
                            request.labelMaskLow()));
        }
        if (request.alg() != Alg.NONE) {
            options.add("helper=" + request.alg().name().toLowerCase(Locale.ROOT));
        }
        if (request.timeoutPolicy() != 0) {
            options.add("timeout=" + request.timeoutPolicy());
        }
        if (request.nat() != null) {
            options.add(NatText.ofDatapath(request.nat()));
        }
        return options.isEmpty() ? "ct" : "ct(" + String.join(",", options) + ")";
    }

    // ---- set ----

    private @Nullable HeaderText headerOf(Field field) {
        return key == null
                ? HeaderText.holding(field)
                : HeaderText.holding(
                        field, HeaderText.network((int) Field.ETH_TYPE.get(key)), HeaderText.transport((int)
                                Field.NW_PROTO.get(key)));
    }

    private static int endOfHeader(DatapathAction[] actions, int from, @Nullable HeaderText header) {
        int end = from + 1;
        while (header != null
                && end < actions.length
                && actions[end] instanceof SetField next
                && header.has(next.field())) {
            end++;
        }
        return end;
    }

    private static String setHeader(DatapathAction[] actions, int from, int end, @Nullable HeaderText header) {
        long[] value = FlowKey.newKey();
        long[] mask = FlowKey.newKey();
        for (int i = from; i < end; i++) {
            SetField set = (SetField) actions[i];
            set.field().set(value, set.valueHigh(), set.valueLow());
            set.field().set(mask, set.maskHigh(), set.maskLow());
        }
        if (header == null) { // A field that such packets do not have: the executor leaves them as they are.
            SetField set = (SetField) actions[from];
            return "set(" + set.field().label() + "("
                    + FieldText.HEX.masked(set.field(), set.valueHigh(), set.valueLow(), set.maskHigh(), set.maskLow())
                    + "))";
        }
        return "set(" + header.text(value, mask, false) + ")";
    }
}
