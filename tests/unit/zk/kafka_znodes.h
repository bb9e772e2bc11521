// What kafka.zk.ZkData of 3.9.1 writes, recorded from its own encoders: the first word names the
// kind, the second its size. Timestamps stand at 5.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace barnabas::zk {

inline constexpr auto kKafkaZnodes = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"topic 1", R"~({"partitions":{"0":[1]},"topic_id":"AAAAAAAAAAEAAAAAAAAAAg","adding_re)~"
                R"~(plicas":{},"removing_replicas":{},"version":3})~"},
    {"topic 3", R"~({"partitions":{"0":[1],"1":[1],"2":[1]},"topic_id":"AAAAAAAAAAEAAAAAAA)~"
                R"~(AAAg","adding_replicas":{},"removing_replicas":{},"version":3})~"},
    {"topic 11", R"~({"partitions":{"0":[1],"1":[1],"2":[1],"3":[1],"4":[1],"5":[1],"6":[1])~"
                 R"~(,"7":[1],"8":[1],"9":[1],"10":[1]},"topic_id":"AAAAAAAAAAEAAAAAAAAAAg")~"
                 R"~(,"adding_replicas":{},"removing_replicas":{},"version":3})~"},
    {"topic 12", R"~({"partitions":{"11":[1],"0":[1],"1":[1],"2":[1],"3":[1],"4":[1],"5":[1)~"
                 R"~(],"6":[1],"7":[1],"8":[1],"9":[1],"10":[1]},"topic_id":"AAAAAAAAAAEAAA)~"
                 R"~(AAAAAAAg","adding_replicas":{},"removing_replicas":{},"version":3})~"},
    {"topic 13", R"~({"partitions":{"11":[1],"12":[1],"0":[1],"1":[1],"2":[1],"3":[1],"4":[)~"
                 R"~(1],"5":[1],"6":[1],"7":[1],"8":[1],"9":[1],"10":[1]},"topic_id":"AAAAA)~"
                 R"~(AAAAAEAAAAAAAAAAg","adding_replicas":{},"removing_replicas":{},"versio)~"
                 R"~(n":3})~"},
    {"topic 24", R"~({"partitions":{"22":[1],"23":[1],"10":[1],"11":[1],"12":[1],"13":[1],")~"
                 R"~(14":[1],"15":[1],"16":[1],"17":[1],"18":[1],"19":[1],"0":[1],"1":[1],")~"
                 R"~(2":[1],"3":[1],"4":[1],"5":[1],"6":[1],"7":[1],"8":[1],"9":[1],"20":[1)~"
                 R"~(],"21":[1]},"topic_id":"AAAAAAAAAAEAAAAAAAAAAg","adding_replicas":{},")~"
                 R"~(removing_replicas":{},"version":3})~"},
    {"topic 25", R"~({"partitions":{"22":[1],"23":[1],"24":[1],"10":[1],"11":[1],"12":[1],")~"
                 R"~(13":[1],"14":[1],"15":[1],"16":[1],"17":[1],"18":[1],"19":[1],"0":[1],)~"
                 R"~("1":[1],"2":[1],"3":[1],"4":[1],"5":[1],"6":[1],"7":[1],"8":[1],"9":[1)~"
                 R"~(],"20":[1],"21":[1]},"topic_id":"AAAAAAAAAAEAAAAAAAAAAg","adding_repli)~"
                 R"~(cas":{},"removing_replicas":{},"version":3})~"},
    {"topic 100", R"~({"partitions":{"88":[1],"89":[1],"90":[1],"91":[1],"92":[1],"93":[1],")~"
                  R"~(94":[1],"95":[1],"96":[1],"97":[1],"10":[1],"98":[1],"11":[1],"99":[1])~"
                  R"~(,"12":[1],"13":[1],"14":[1],"15":[1],"16":[1],"17":[1],"18":[1],"19":[)~"
                  R"~(1],"0":[1],"1":[1],"2":[1],"3":[1],"4":[1],"5":[1],"6":[1],"7":[1],"8")~"
                  R"~(:[1],"9":[1],"20":[1],"21":[1],"22":[1],"23":[1],"24":[1],"25":[1],"26)~"
                  R"~(":[1],"27":[1],"28":[1],"29":[1],"30":[1],"31":[1],"32":[1],"33":[1],")~"
                  R"~(34":[1],"35":[1],"36":[1],"37":[1],"38":[1],"39":[1],"40":[1],"41":[1])~"
                  R"~(,"42":[1],"43":[1],"44":[1],"45":[1],"46":[1],"47":[1],"48":[1],"49":[)~"
                  R"~(1],"50":[1],"51":[1],"52":[1],"53":[1],"54":[1],"55":[1],"56":[1],"57")~"
                  R"~(:[1],"58":[1],"59":[1],"60":[1],"61":[1],"62":[1],"63":[1],"64":[1],"6)~"
                  R"~(5":[1],"66":[1],"67":[1],"68":[1],"69":[1],"70":[1],"71":[1],"72":[1],)~"
                  R"~("73":[1],"74":[1],"75":[1],"76":[1],"77":[1],"78":[1],"79":[1],"80":[1)~"
                  R"~(],"81":[1],"82":[1],"83":[1],"84":[1],"85":[1],"86":[1],"87":[1]},"top)~"
                  R"~(ic_id":"AAAAAAAAAAEAAAAAAAAAAg","adding_replicas":{},"removing_replica)~"
                  R"~(s":{},"version":3})~"},
    {"reassign", R"~({"partitions":{"0":[2,1],"1":[2,1]},"adding_replicas":{"0":[2]},"remov)~"
                 R"~(ing_replicas":{"0":[1],"1":[1]},"version":3})~"},
    {"state 1", R"~({"controller_epoch":9,"leader":1,"version":1,"leader_epoch":2,"isr":[1)~"
                R"~(,2]})~"},
    {"state 2", R"~({"controller_epoch":9,"leader":1,"version":1,"leader_recovery_state":1)~"
                R"~(,"leader_epoch":2,"isr":[1,2]})~"},
    {"broker 1", R"~({"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEX)~"
                 R"~(T"},"endpoints":["PLAINTEXT://h0:9092"],"jmx_port":-1,"port":9092,"hos)~"
                 R"~(t":"h0","version":5,"timestamp":"5"})~"},
    {"broker 1 rack", R"~({"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEX)~"
                      R"~(T"},"endpoints":["PLAINTEXT://h0:9092"],"rack":"r\"1","jmx_port":-1,"p)~"
                      R"~(ort":9092,"host":"h0","version":5,"timestamp":"5"})~"},
    {"broker 2", R"~({"features":{},"listener_security_protocol_map":{"PLAINTEXT":"SSL","EX)~"
                 R"~(TERNAL":"PLAINTEXT"},"endpoints":["PLAINTEXT://h0:9092","EXTERNAL://h1)~"
                 R"~(:9093"],"jmx_port":-1,"port":9092,"host":"h0","version":5,"timestamp":)~"
                 R"~("5"})~"},
    {"broker 2 rack", R"~({"features":{},"listener_security_protocol_map":{"PLAINTEXT":"SSL","EX)~"
                      R"~(TERNAL":"PLAINTEXT"},"endpoints":["PLAINTEXT://h0:9092","EXTERNAL://h1)~"
                      R"~(:9093"],"rack":"r\"1","jmx_port":-1,"port":9092,"host":"h0","version":)~"
                      R"~(5,"timestamp":"5"})~"},
    {"broker 3", R"~({"features":{},"listener_security_protocol_map":{"PLAINTEXT":"SSL","EX)~"
                 R"~(TERNAL":"PLAINTEXT","INTERNAL":"PLAINTEXT"},"endpoints":["PLAINTEXT://)~"
                 R"~(h0:9092","EXTERNAL://h1:9093","INTERNAL://h2:9094"],"jmx_port":-1,"por)~"
                 R"~(t":9092,"host":"h0","version":5,"timestamp":"5"})~"},
    {"broker 3 rack", R"~({"features":{},"listener_security_protocol_map":{"PLAINTEXT":"SSL","EX)~"
                      R"~(TERNAL":"PLAINTEXT","INTERNAL":"PLAINTEXT"},"endpoints":["PLAINTEXT://)~"
                      R"~(h0:9092","EXTERNAL://h1:9093","INTERNAL://h2:9094"],"rack":"r\"1","jmx)~"
                      R"~(_port":-1,"port":9092,"host":"h0","version":5,"timestamp":"5"})~"},
    {"broker 4", R"~({"features":{},"listener_security_protocol_map":{"PLAINTEXT":"SSL","EX)~"
                 R"~(TERNAL":"PLAINTEXT","INTERNAL":"PLAINTEXT","SASL":"PLAINTEXT"},"endpoi)~"
                 R"~(nts":["PLAINTEXT://h0:9092","EXTERNAL://h1:9093","INTERNAL://h2:9094",)~"
                 R"~("SASL://h3:9095"],"jmx_port":-1,"port":9092,"host":"h0","version":5,"t)~"
                 R"~(imestamp":"5"})~"},
    {"broker 4 rack", R"~({"features":{},"listener_security_protocol_map":{"PLAINTEXT":"SSL","EX)~"
                      R"~(TERNAL":"PLAINTEXT","INTERNAL":"PLAINTEXT","SASL":"PLAINTEXT"},"endpoi)~"
                      R"~(nts":["PLAINTEXT://h0:9092","EXTERNAL://h1:9093","INTERNAL://h2:9094",)~"
                      R"~("SASL://h3:9095"],"rack":"r\"1","jmx_port":-1,"port":9092,"host":"h0",)~"
                      R"~("version":5,"timestamp":"5"})~"},
    {"broker 5", R"~({"features":{},"listener_security_protocol_map":{"REPLICATION":"PLAINT)~"
                 R"~(EXT","EXTERNAL":"PLAINTEXT","PLAINTEXT":"SSL","INTERNAL":"PLAINTEXT",")~"
                 R"~(SASL":"PLAINTEXT"},"endpoints":["PLAINTEXT://h0:9092","EXTERNAL://h1:9)~"
                 R"~(093","INTERNAL://h2:9094","SASL://h3:9095","REPLICATION://h4:9096"],"j)~"
                 R"~(mx_port":-1,"port":9092,"host":"h0","version":5,"timestamp":"5"})~"},
    {"broker 5 rack", R"~({"features":{},"listener_security_protocol_map":{"REPLICATION":"PLAINT)~"
                      R"~(EXT","EXTERNAL":"PLAINTEXT","PLAINTEXT":"SSL","INTERNAL":"PLAINTEXT",")~"
                      R"~(SASL":"PLAINTEXT"},"endpoints":["PLAINTEXT://h0:9092","EXTERNAL://h1:9)~"
                      R"~(093","INTERNAL://h2:9094","SASL://h3:9095","REPLICATION://h4:9096"],"r)~"
                      R"~(ack":"r\"1","jmx_port":-1,"port":9092,"host":"h0","version":5,"timesta)~"
                      R"~(mp":"5"})~"},
    {"broker 6", R"~({"features":{},"listener_security_protocol_map":{"REPLICATION":"PLAINT)~"
                 R"~(EXT","CLIENTS":"PLAINTEXT","EXTERNAL":"PLAINTEXT","PLAINTEXT":"SSL","I)~"
                 R"~(NTERNAL":"PLAINTEXT","SASL":"PLAINTEXT"},"endpoints":["PLAINTEXT://h0:)~"
                 R"~(9092","EXTERNAL://h1:9093","INTERNAL://h2:9094","SASL://h3:9095","REPL)~"
                 R"~(ICATION://h4:9096","CLIENTS://h5:9097"],"jmx_port":-1,"port":9092,"hos)~"
                 R"~(t":"h0","version":5,"timestamp":"5"})~"},
    {"broker 6 rack", R"~({"features":{},"listener_security_protocol_map":{"REPLICATION":"PLAINT)~"
                      R"~(EXT","CLIENTS":"PLAINTEXT","EXTERNAL":"PLAINTEXT","PLAINTEXT":"SSL","I)~"
                      R"~(NTERNAL":"PLAINTEXT","SASL":"PLAINTEXT"},"endpoints":["PLAINTEXT://h0:)~"
                      R"~(9092","EXTERNAL://h1:9093","INTERNAL://h2:9094","SASL://h3:9095","REPL)~"
                      R"~(ICATION://h4:9096","CLIENTS://h5:9097"],"rack":"r\"1","jmx_port":-1,"p)~"
                      R"~(ort":9092,"host":"h0","version":5,"timestamp":"5"})~"},
    {"broker 7", R"~({"features":{},"listener_security_protocol_map":{"REPLICATION":"PLAINT)~"
                 R"~(EXT","CONTROL_PLANE":"PLAINTEXT","CLIENTS":"PLAINTEXT","EXTERNAL":"PLA)~"
                 R"~(INTEXT","PLAINTEXT":"SSL","INTERNAL":"PLAINTEXT","SASL":"PLAINTEXT"},")~"
                 R"~(endpoints":["PLAINTEXT://h0:9092","EXTERNAL://h1:9093","INTERNAL://h2:)~"
                 R"~(9094","SASL://h3:9095","REPLICATION://h4:9096","CLIENTS://h5:9097","CO)~"
                 R"~(NTROL_PLANE://h6:9098"],"jmx_port":-1,"port":9092,"host":"h0","version)~"
                 R"~(":5,"timestamp":"5"})~"},
    {"broker 7 rack", R"~({"features":{},"listener_security_protocol_map":{"REPLICATION":"PLAINT)~"
                      R"~(EXT","CONTROL_PLANE":"PLAINTEXT","CLIENTS":"PLAINTEXT","EXTERNAL":"PLA)~"
                      R"~(INTEXT","PLAINTEXT":"SSL","INTERNAL":"PLAINTEXT","SASL":"PLAINTEXT"},")~"
                      R"~(endpoints":["PLAINTEXT://h0:9092","EXTERNAL://h1:9093","INTERNAL://h2:)~"
                      R"~(9094","SASL://h3:9095","REPLICATION://h4:9096","CLIENTS://h5:9097","CO)~"
                      R"~(NTROL_PLANE://h6:9098"],"rack":"r\"1","jmx_port":-1,"port":9092,"host")~"
                      R"~(:"h0","version":5,"timestamp":"5"})~"},
    {"config 0", R"~({"version":1,"config":{}})~"},
    {"config 1", R"~({"version":1,"config":{"cleanup.policy":"vé/\\\t\u0001 <0"}})~"},
    {"config 2", R"~({"version":1,"config":{"cleanup.policy":"vé/\\\t\u0001 <0","retention.)~"
                 R"~(ms":"vé/\\\t\u0001 <1"}})~"},
    {"config 5", R"~({"version":1,"config":{"cleanup.policy":"vé/\\\t\u0001 <0","retention.)~"
                 R"~(ms":"vé/\\\t\u0001 <1","segment.bytes":"vé/\\\t\u0001 <3","segment.ms")~"
                 R"~(:"vé/\\\t\u0001 <4","retention.bytes":"vé/\\\t\u0001 <2"}})~"},
    {"config 11",
     R"~({"version":1,"config":{"compression.type":"vé/\\\t\u0001 <8","cleanup.)~"
     R"~(policy":"vé/\\\t\u0001 <0","flush.ms":"vé/\\\t\u0001 <10","max.message)~"
     R"~(.bytes":"vé/\\\t\u0001 <5","min.insync.replicas":"vé/\\\t\u0001 <6","r)~"
     R"~(etention.ms":"vé/\\\t\u0001 <1","segment.bytes":"vé/\\\t\u0001 <3","se)~"
     R"~(gment.ms":"vé/\\\t\u0001 <4","index.interval.bytes":"vé/\\\t\u0001 <9")~"
     R"~(,"unclean.leader.election.enable":"vé/\\\t\u0001 <7","retention.bytes")~"
     R"~(:"vé/\\\t\u0001 <2"}})~"},
    {"config 12",
     R"~({"version":1,"config":{"compression.type":"vé/\\\t\u0001 <8","max.mess)~"
     R"~(age.bytes":"vé/\\\t\u0001 <5","min.insync.replicas":"vé/\\\t\u0001 <6")~"
     R"~(,"index.interval.bytes":"vé/\\\t\u0001 <9","unclean.leader.election.en)~"
     R"~(able":"vé/\\\t\u0001 <7","retention.bytes":"vé/\\\t\u0001 <2","cleanup)~"
     R"~(.policy":"vé/\\\t\u0001 <0","flush.ms":"vé/\\\t\u0001 <10","retention.)~"
     R"~(ms":"vé/\\\t\u0001 <1","segment.bytes":"vé/\\\t\u0001 <3","segment.ms")~"
     R"~(:"vé/\\\t\u0001 <4","flush.messages":"vé/\\\t\u0001 <11"}})~"},
    {"config 13",
     R"~({"version":1,"config":{"compression.type":"vé/\\\t\u0001 <8","max.mess)~"
     R"~(age.bytes":"vé/\\\t\u0001 <5","min.insync.replicas":"vé/\\\t\u0001 <6")~"
     R"~(,"preallocate":"vé/\\\t\u0001 <12","index.interval.bytes":"vé/\\\t\u00)~"
     R"~(01 <9","unclean.leader.election.enable":"vé/\\\t\u0001 <7","retention.)~"
     R"~(bytes":"vé/\\\t\u0001 <2","cleanup.policy":"vé/\\\t\u0001 <0","flush.m)~"
     R"~(s":"vé/\\\t\u0001 <10","retention.ms":"vé/\\\t\u0001 <1","segment.byte)~"
     R"~(s":"vé/\\\t\u0001 <3","segment.ms":"vé/\\\t\u0001 <4","flush.messages")~"
     R"~(:"vé/\\\t\u0001 <11"}})~"},
    {"feature", R"~({"features":{},"version":2,"status":1})~"},
    {"block", R"~({"version":1,"broker":2,"block_start":"1000","block_end":"1999"})~"},
    {"controller", R"~({"version":2,"brokerid":2,"timestamp":"77","kraftControllerEpoch":-1})~"},
    {"cluster", R"~({"version":"1","id":"abc"})~"},
    {"change", R"~({"version":2,"entity_path":"topics/T"})~"},
});

}  // namespace barnabas::zk
