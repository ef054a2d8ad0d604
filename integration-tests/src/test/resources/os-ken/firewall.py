"""A stateful firewall for os-ken and OpenFlow 1.3: who is behind port 1 may begin, who is behind port 2 may answer."""

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3

ZONE = 7
NO_RECIRCULATION = 255
COMMIT = 1
NEW = (0x21, 0x21)
ESTABLISHED = (0x22, 0x22)


class Firewall(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def on_features(self, event):
        switch = event.msg.datapath
        proto, parser = switch.ofproto, switch.ofproto_parser

        def flow(table, actions, **match):
            instructions = [parser.OFPInstructionActions(proto.OFPIT_APPLY_ACTIONS, actions)]
            switch.send_msg(parser.OFPFlowMod(
                datapath=switch, table_id=table, priority=10, match=parser.OFPMatch(**match),
                instructions=instructions))

        def output(port):
            return parser.OFPActionOutput(port)

        def track(flags, table):
            return parser.NXActionCT(
                flags=flags, zone_src='', zone_ofs_nbits=ZONE, recirc_table=table, alg=0, actions=[])

        flow(0, [output(proto.OFPP_FLOOD)], eth_type=0x806)
        flow(0, [track(0, 1)], eth_type=0x800)
        flow(1, [track(COMMIT, NO_RECIRCULATION), output(2)], eth_type=0x800, in_port=1, ct_state=NEW)
        flow(1, [output(2)], eth_type=0x800, in_port=1, ct_state=ESTABLISHED)
        flow(1, [output(1)], eth_type=0x800, in_port=2, ct_state=ESTABLISHED)
        switch.send_msg(parser.OFPBarrierRequest(switch))
