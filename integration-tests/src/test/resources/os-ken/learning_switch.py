"""A learning switch for os-ken, in the version of OpenFlow that the environment names.

It floods what it does not know, learns where stations are from packet-ins, and leaves a flow once it knows both ends.
OpenFlow 1.0 and 1.2 bring packets without a flow by themselves; for later versions it adds a table-miss flow.
"""

import os

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib.packet import ethernet, packet
from os_ken.ofproto import ofproto_v1_0, ofproto_v1_2, ofproto_v1_3, ofproto_v1_4, ofproto_v1_5

VERSIONS = {
    '1.0': ofproto_v1_0, '1.2': ofproto_v1_2, '1.3': ofproto_v1_3, '1.4': ofproto_v1_4, '1.5': ofproto_v1_5,
}
VERSION = VERSIONS[os.environ['OPENFLOW_VERSION']]
NO_MATCH = 0  # OFPR_NO_MATCH, from 1.4 on OFPR_TABLE_MISS


class LearningSwitch(app_manager.OSKenApp):
    OFP_VERSIONS = [VERSION.OFP_VERSION]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.stations = {}

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def on_features(self, event):
        switch = event.msg.datapath
        if VERSION.OFP_VERSION >= ofproto_v1_3.OFP_VERSION:
            proto = switch.ofproto
            actions = [switch.ofproto_parser.OFPActionOutput(proto.OFPP_CONTROLLER, proto.OFPCML_NO_BUFFER)]
            self.add_flow(switch, 0, switch.ofproto_parser.OFPMatch(), actions)

    def add_flow(self, switch, priority, match, actions):
        proto, parser = switch.ofproto, switch.ofproto_parser
        if VERSION is ofproto_v1_0:
            switch.send_msg(parser.OFPFlowMod(
                datapath=switch, match=match, cookie=0, command=proto.OFPFC_ADD, idle_timeout=0, hard_timeout=0,
                priority=priority, flags=proto.OFPFF_SEND_FLOW_REM, actions=actions))
        else:
            instructions = [parser.OFPInstructionActions(proto.OFPIT_APPLY_ACTIONS, actions)]
            switch.send_msg(parser.OFPFlowMod(
                datapath=switch, priority=priority, match=match, instructions=instructions))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def on_packet_in(self, event):
        message = event.msg
        switch = message.datapath
        proto, parser = switch.ofproto, switch.ofproto_parser
        in_port = message.in_port if VERSION is ofproto_v1_0 else message.match['in_port']
        if message.reason != NO_MATCH:
            self.logger.error('a packet for another reason: %d', message.reason)
            return
        frame = packet.Packet(message.data).get_protocol(ethernet.ethernet)
        self.stations[frame.src] = in_port
        out_port = self.stations.get(frame.dst, proto.OFPP_FLOOD)
        actions = [parser.OFPActionOutput(out_port)]
        if out_port != proto.OFPP_FLOOD:
            if VERSION is ofproto_v1_0:
                match = parser.OFPMatch(in_port=in_port, dl_dst=frame.dst, dl_src=frame.src)
            else:
                match = parser.OFPMatch(in_port=in_port, eth_dst=frame.dst, eth_src=frame.src)
            self.add_flow(switch, 1, match, actions)
        if VERSION is ofproto_v1_5:
            where = {'match': parser.OFPMatch(in_port=in_port)}
        else:
            where = {'in_port': in_port}
        switch.send_msg(parser.OFPPacketOut(
            datapath=switch, buffer_id=message.buffer_id, actions=actions, data=message.data, **where))
