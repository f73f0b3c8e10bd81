package seed

import "strings"

// names are the parts that people's names are made of.
type names struct {
	first, last []string
	particles   []string // before a family name, sometimes: von, de la
	familyFirst bool
}

// parts reads a list separated by blanks; an underscore stands for a blank inside a name.
func parts(list string) []string {
	fields := strings.Fields(list)
	for i, f := range fields {
		fields[i] = strings.ReplaceAll(f, "_", " ")
	}
	return fields
}

// newNames gives the names by language. Where family names have two forms, women's and men's, a
// language has two entries. All letters are Latin, Greek or Cyrillic, since the fonts of documents
// have no others.
func newNames() map[string][]names {
	return map[string][]names{
		"de": {{
			first: parts(`Anna Lukas Jürgen Zoë Mehmet Katharina Jonas Ayşe Sören Emilia Björn Franziska Günther Leonie Piotr
				Hannah Matthias Žana Felix Renate Thomas Ömer Clara Stefan Nina Käthe Paul Miriam Tobias Yusuf Sabine Jörg
				Heike Uwe Birgit Markus Ute Ralf Petra Dirk Anke Volker Silke Holger Grit Jannik Mia Finn Lina Moritz Charlotte
				Maximilian Elif Konstantin Friederike Götz Bärbel Hans-Peter Anne-Kathrin Karl-Heinz Marie-Luise Rüdiger Jürgen
				Dörte Torben Wiebke Kevin Jacqueline Andreas Monika Bernd Claudia Sebastian Julia Christian Simone Alexander`),
			last: parts(`Müller Schmidt Großmann Yılmaz Weber Schäfer Wagner Köhler Hoffmann Kowalski Strauß Bauer Özdemir
				Lehmann Krüger Hartmann Nowak Jäger Vogel Böhm Weiß Dreßler Petrović Lange Fuchs Brandt Kühn Sauer Arndt Heyde
				Schröder Neumann Schwarz Zimmermann Braun Krause Meier Lorenz Schulze Maier Huber Kaiser Groß Friedrich Keller
				Günther Frank Berger Winkler Roth Beck Baumann Franke Albrecht Schuster Simon Ludwig Böttcher Heinrich Kraus
				Winter Martens Hansen Petersen Voß Öztürk Demir Schönfeld Kißling Mühlhäuser Faßbender Grünewald Süßmilch
				Leutheusser-Brinkmann Haßloch Rößler Döring Wölfl Rehberg Tiedemann Kuhlmann`),
			particles: parts(`von von_der von_und_zu zu vom`),
		}},
		"en": {{
			first: parts(`Olivia James Aisha Liam Chloe Mateo Grace Noah Priya Ethan Siobhán Daniel Mei Oscar Fatima Henry Zoe
				Kwame Amelia Lucas Hana William Ingrid Samuel Renée Jack Nia Thomas Leila Owen Emily Michael Sarah David Laura
				Christopher Jessica Matthew Ashley Andrew Amanda Joshua Stephanie Ryan Nicole Brandon Megan Tyler Rachel Kevin
				Hannah Justin Lauren Aaron Samantha Niamh Callum Aoife Rhys Imogen Declan Freya Angus Keira Benjamin Charlotte
				Mary-Jane John-Paul D'Arcy Tamika DeShawn Latoya Marcus Brooke Wesley Paige Graham Maureen Trevor Sheila`),
			last: parts(`Smith O'Connor Patel Williams Nguyen Taylor García Brown Okafor Wilson Kim Evans MacLeod Johnson Singh
				Walker Åkesson Roberts Chen Murphy Clarke Silva Cooper Haddad Bennett Novak Hughes Fraser Martin Lindqvist Jones
				Davies Thompson White Edwards Green Hall Wood Harris Lewis Jackson Turner Hill Scott Moore Ward Morris Watson
				Mitchell Baker Phillips Campbell Anderson Parker O'Neill O'Brien McDonald Fitzgerald Kelly Ryan Gallagher
				Pritchard Llewellyn Ashworth Featherstone Cholmondeley Hargreaves Whitaker Washington Jefferson Rivera Morales
				Delgado Kowalczyk Goldberg Rosenthal Abernathy Castellano D'Souza Smythe-Harrington Adeyemi Mensah`),
		}},
		"fr": {{
			first: parts(`Camille Hugo Chloé Léo Manon Théo Élodie Mathéo Inès Raphaël Zoé Maël Noémie Gaël Aurélie Jérôme Hélène
				François Françoise Benoît Céline Cédric Amélie Rémi Océane Loïc Margaux Maxime Anaïs Guillaume Juliette Antoine
				Pauline Nicolas Mathilde Pierre Sandrine Olivier Valérie Thierry Véronique Christophe Nathalie Stéphane Sylvie
				Jean-Luc Marie-Claude Jean-Baptiste Anne-Sophie Karim Yasmina Mamadou Aminata Ousmane Fatoumata Cheikh Awa
				Bérénice Clémence Adrien Quentin Solène Tanguy Maëlys Gwenaëlle`),
			last: parts(`Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Garcia
				David Bertrand Roux Vincent Fournier Morel Girard André Lefèvre Mercier Dupont Lambert Bonnet François Martinez
				Legrand Garnier Faure Rousseau Blanc Guérin Müller Henry Roussel Nicolas Perrin Morin Mathieu Clément Gauthier
				Dumont López Fontaine Chevalier Robin Masson Sanchez Gérard Nguyên Boyer Denis N'Diaye Diallo Traoré N'Guessan
				Bâ Benali L'Hostis D'Aboville Le_Goff Le_Bihan Kerguélen Çelik Haddad Coëtlogon`),
			particles: parts(`de de_la du des`),
		}},
		"it": {{
			first: parts(`Sofia Leonardo Giulia Francesco Aurora Alessandro Alice Lorenzo Ginevra Mattia Emma Andrea Giorgia Gabriele
				Greta Riccardo Beatrice Tommaso Anna Edoardo Chiara Niccolò Martina Federico Sara Giovanni Elena Antonio Ludovica
				Filippo Noemi Davide Gaia Marco Vittoria Luca Camilla Matteo Nicole Simone Arianna Pietro Rebecca Giuseppe
				Francesca Salvatore Caterina Raffaele Eleonora Michele Paola Roberto Silvia Stefano Valentina Daniele Ilaria
				Fabrizio Rosalba Gianluca Mariagrazia Pierluigi Nicolò Debora`),
			last: parts(`Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti De_Luca Mancini
				Costa Giordano Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone
				Longo Gentile Martinelli Vitale Lombardo Serra Coppola De_Santis D'Angelo Marchetti Parisi Villa Conte Ferraro
				Ferri Fabbri Bianco Marini Grasso Valentini Messina Sala De_Angelis Gatti Pellegrini Palumbo Sanna Farina
				D'Amico Dell'Acqua Degl'Innocenti Montanari Nicolì Lo_Cascio`),
		}},
		"es": {{
			first: parts(`Lucía Hugo Sofía Mateo Martina Martín María Lucas Julia Leo Paula Daniel Valeria Alejandro Emma Manuel Daniela
				Pablo Carla Álvaro Alma Adrián Olivia Enzo Sara Mario Carmen Diego Vega David Lara Oliver Noa Marcos Iria Joaquín
				Itziar Íñigo Begoña Ángel Nuria Iván Rocío Raúl Pilar Andrés Inés Óscar Mónica Rubén Concepción Jesús Belén
				Sergio Ximena Santiago Guadalupe Emiliano Yolanda Ramón María_José José_Luis Ana_Belén Juan_Carlos Míriam Nicolás`),
			last: parts(`García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz
				Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano Blanco
				Molina Morales Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz Núñez Iglesias Medina Garrido Cortés Castillo
				Santos Lozano Guerrero Cano Prieto Méndez Cruz Calvo Gallego Vidal León Márquez Herrera Peña Ibáñez Echeverría
				Aguirre Etxebarria Puig Ferrer Quiñones`),
			particles: parts(`de de_la del de_los`),
		}},
		"nl": {{
			first: parts(`Emma Noah Julia Sem Mila Liam Tess Lucas Sophie Daan Zoë Finn Sara Levi Nora Luuk Yara Mees Eva James Anouk
				Bram Fleur Thijs Lotte Jesse Femke Sven Sanne Ruben Maud Jasper Iris Joost Marieke Pieter Annelies Wouter Esmée
				Gijs Lieke Maarten Jildou Sjoerd Renée Koen Ilse Hendrik Wilma Cornelis Truus Bart Chantal Dirk Saskia Youssef
				Samira Jean-Pierre Anne-Marie Joris Marloes Floor`),
			last: parts(`Jansen Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Dijkstra Smits Kok Jacobs Veenstra
				Prins Blom Huisman Postma Kuipers Schouten Willems Hoekstra Koster Verhoeven Vermeulen Maas Peeters Claes Wouters
				Goossens Mertens Desmet Aerts Michiels Beek Berg Broek Heuvel Linden Meer Horst Wal Brink Velde Laan Ven Hoek
				Kamp Wijngaard Steen Zee Haan Groot Boer Graaf Bruijn Leeuwen Ruiter 't_Hart Rijn-Janssens El_Amrani Tjong`),
			particles: parts(`van van_der van_den de van_de van_'t ter ten`),
		}},
		"sv": {{
			first: parts(`Alice Noah Maja Hugo Elsa William Astrid Liam Wilma Nils Freja Elias Ebba Oliver Saga Adam Agnes Oscar Ella
				Axel Linnéa Gustav Åsa Björn Märta Göran Kerstin Håkan Ingrid Östen Birgitta Jörgen Söndag Anders Malin Fredrik
				Karin Mattias Annika Lars-Erik Anna-Lena Sven-Åke Torbjörn Gunilla Magnus Helena Rasmus Søren Kåre Øyvind Ragnhild
				Mette Jørgen Bjørn Solveig Þórdís Sigurður Guðrún Anette Kjetil Åse Vigdis`),
			last: parts(`Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Pettersson Jonsson
				Jansson Hansson Bengtsson Jönsson Lindberg Jakobsson Magnusson Lindström Olofsson Lindqvist Lindgren Berg Axelsson
				Bergström Lundberg Lind Lundgren Sjöberg Åberg Öberg Söderström Åkerlund Björklund Hägglund Nyström Strömberg
				Ekström Holmgren Jørgensen Sørensen Østergaard Kjær Møller Nørgaard Bjørnstad Håkonsen Ødegård Solberg Rasmussen
				Christensen Madsen Thomsen Haugen Bakken Strand Dahl Lund Moen Brekke Þorsteinsson`),
			particles: parts(`af von`),
		}},
		"fi": {{
			first: parts(`Aino Väinö Eevi Onni Helmi Leo Sofia Eino Olivia Elias Pihla Toivo Lilja Mikko Päivi Jyrki Äijä Tuomas Kaisa
				Antti Riikka Jukka Marjatta Hannu Satu Pekka Anneli Timo Outi Ville`),
			last: parts(`Korhonen Virtanen Mäkinen Nieminen Mäkelä Hämäläinen Laine Heikkinen Koskinen Järvinen Lehtonen Lehtinen Saarinen
				Salminen Heinonen Niemi Heikkilä Salonen Kinnunen Turunen Salo Laitinen Tuominen Rantanen Karjalainen Jokinen
				Mattila Savolainen Lahtinen Äijälä Öhman Ylönen`),
		}},
		"pl": {{
			first: parts(`Zofia Antoni Hanna Jan Julia Aleksander Maja Franciszek Laura Nikodem Alicja Leon Oliwia Mikołaj Pola Stanisław
				Wanda Bogusław Grażyna Łukasz Małgorzata Paweł Agnieszka Michał Jadwiga Krzysztof Elżbieta Wojciech Bożena
				Zbigniew Żaneta Jarosław Świętosława Grzegorz Danuta Tomasz Ewa Marcin Beata Sławomir Iwona Przemysław`),
			last: parts(`Nowak Wójcik Kowalczyk Woźniak Mazur Krawczyk Kaczmarek Grabowicz Zając Król Wieczorek Jabłoń Wróbel Stępień Górka
				Rutka Michalak Sikora Ostrowicz Baran Duda Szewczyk Tomaszek Pietrzak Marciniak Wróblewicz Żak Jasiak Sadowicz
				Bąk Chmiel Włodarczyk Borek Czarnota Sawicz Kubiak Maciąg Szczepaniak Wilk Łuczak Kaźmierczak Brzęczyszczykiewicz
				Ćwik Źrebiec Ślązak Gąsior Dąbek Kołodziej Gołąb Szulc`),
		}},
		"cs": {
			{
				first: parts(`Jakub Jan Tomáš Matyáš Adam Filip Vojtěch Lukáš Ondřej Štěpán Jiří Zdeněk Břetislav Řehoř Václav Miloš Radek Petr`),
				last: parts(`Novák Svoboda Novotný Dvořák Černý Procházka Kučera Veselý Horák Němec Pokorný Pospíšil Hájek Jelínek Král
					Růžička Beneš Fiala Sedláček Doležal Zeman Kolář Navrátil Čermák Vaněk Krejčí Říha Šťastný Žák`),
			},
			{
				first: parts(`Eliška Anna Adéla Tereza Sofie Viktorie Natálie Karolína Barbora Kristýna Lucie Zdeňka Růžena Božena Libuše Jitka Šárka Hana`),
				last: parts(`Nováková Svobodová Novotná Dvořáková Černá Procházková Kučerová Veselá Horáková Němcová Pokorná Pospíšilová
					Hájková Jelínková Králová Růžičková Benešová Fialová Sedláčková Doležalová Zemanová Kolářová Navrátilová
					Čermáková Vaňková Krejčí Říhová Šťastná Žáková`),
			},
		},
		"hu": {{
			first: parts(`Hanna Bence Anna Máté Zoé Levente Luca Dominik Emma Ádám Zsófia Dávid Boglárka Zsombor Léna Balázs Gréta Gergő
				Ágnes György Erzsébet László Katalin Sándor Ildikó Attila Zsuzsanna Tamás Éva Őzséb`),
			last: parts(`Nagy Kovács Tóth Szabó Horváth Varga Kiss Molnár Németh Farkas Balogh Papp Takács Juhász Lakatos Mészáros Oláh
				Simon Rácz Fekete Szilágyi Török Fehér Gál Kis Szűcs Kocsis Fodor Őri Gulyás`),
		}},
		"pt": {{
			first: parts(`Maria João Leonor Francisco Matilde Santiago Carolina Afonso Beatriz Tomás Inês Duarte Ana Lourenço Mariana Martim
				Joana Rodrigo Sofia Gonçalo Conceição Luís Fátima António Graça José Verónica Sérgio Lúcia Fábio Thaís Caíque
				Luíza Otávio Simão Zélia Baltazar Raíssa Wellington Tatiana`),
			last: parts(`Silva Santos Ferreira Pereira Oliveira Costa Rodrigues Martins Jesus Sousa Fernandes Gonçalves Gomes Lopes Marques
				Alves Almeida Ribeiro Pinto Carvalho Teixeira Moreira Correia Mendes Nunes Soares Vieira Monteiro Cardoso Rocha
				Neves Coelho Cruz Cunha Pires Ramos Reis Simões Antunes Matos Fonseca Araújo Barbosa Guimarães Magalhães
				Conceição Assunção Falcão Brandão Leão`),
			particles: parts(`da dos de do das`),
		}},
		"tr": {{
			first: parts(`Zeynep Yusuf Elif Miraç Defne Eymen Asel Ömer Nehir Mustafa Ayşe Mehmet Fatma Ahmet Gökhan Şule Çağla Uğur İrem
				Barış Nilüfer Özgür Gülşah Tuğba Cem Ebru Kerem Selin Volkan Işıl`),
			last: parts(`Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt
				Özkan Şimşek Polat Korkmaz Çakır Erdoğan Güneş Acar Bulut Tekin Güler Işık`),
		}},
		"el": {
			{
				first: parts(`Γεώργιος Κωνσταντίνος Ιωάννης Δημήτριος Νικόλαος Παναγιώτης Βασίλειος Χρήστος Αθανάσιος Μιχαήλ Σπυρίδων Άγγελος Στέλιος`),
				last: parts(`Παπαδόπουλος Βλάχος Αγγελόπουλος Νικολαΐδης Γεωργίου Δημητρίου Παππάς Καραγιάννης Μακρής Οικονόμου Χατζής
					Ιωαννίδης Μαρκόπουλος Σταυρίδης Κωστόπουλος Ζαφειρίου Θεοδωρίδης`),
			},
			{
				first: parts(`Μαρία Ελένη Κατερίνα Βασιλική Σοφία Αγγελική Γεωργία Δήμητρα Ιωάννα Αναστασία Παρασκευή Ευαγγελία Χρυσούλα`),
				last: parts(`Παπαδοπούλου Βλάχου Αγγελοπούλου Νικολαΐδου Γεωργίου Δημητρίου Παππά Καραγιάννη Μακρή Οικονόμου Χατζή Ιωαννίδου
					Μαρκοπούλου Σταυρίδου Κωστοπούλου Ζαφειρίου Θεοδωρίδου`),
			},
		},
		"uk": {{
			first: parts(`Олександр Софія Андрій Анна Дмитро Вікторія Максим Марія Артем Катерина Назар Олена Богдан Ірина Сергій Наталія
				Тарас Оксана Юрій Людмила Ярослав Ганна Іван Любов Мирослав Соломія Євген Їлія Ґалина Остап`),
			last: parts(`Мельник Шевченко Бондаренко Коваленко Бойко Ткаченко Кравченко Ковальчук Коваль Олійник Шевчук Поліщук Лисенко
				Савченко Марченко Петренко Руденко Мороз Клименко Павленко Кравчук Левченко Сидоренко Гончаренко Романюк Панченко
				Хоменко Тимошенко Лук'яненко Дем'янчук`),
		}},
		"ar": {{
			first: parts(`Mohammed Fatima Ahmed Maryam Ali Aisha Omar Noura Khalid Layla Yousef Huda Ibrahim Salma Hassan Zainab Abdullah
				Amal Tariq Rania Abdul-Rahman Dalal Saif Hessa Faisal Mona Sultan Reem Hamdan Shaikha`),
			last: parts(`Al-Farsi Al-Mansoori Haddad Khoury Al-Hashimi Nasser Mansour Al-Zaabi Saleh Hussein Al-Shamsi Rahman Qasim Darwish
				Al-Suwaidi Aziz Bishara Al-Ketbi Najjar Sabbagh Al-Marri Habib Hamdi Al-Balushi Shaheen Tawfiq Al-Nuaimi Zayed
				Abu_Bakr Bin_Rashid`),
		}},
		"hi": {{
			first: parts(`Aarav Aadhya Vivaan Ananya Aditya Diya Vihaan Saanvi Arjun Ira Sai Pari Reyansh Anika Krishna Navya Ishaan Kavya
				Shaurya Myra Rohan Priya Vikram Sunita Rajesh Lakshmi Suresh Meera Amit Pooja Sanjay Neha Deepak Shreya Manoj
				Divya Anil Swati Ramesh Rekha Harpreet Gurpreet Farhan Zoya Thomas Annamma Venkatesh Padmavathi Karthik Nandini
				Subramaniam Meenakshi Prakash Usha Gopal Bhavana Nikhil Tanvi Siddharth Jyoti`),
			last: parts(`Sharma Verma Gupta Singh Kumar Patel Reddy Iyer Nair Menon Das Ghosh Banerjee Mukherjee Chatterjee Bose Rao Naidu
				Joshi Kulkarni Deshpande Patil Shinde Mehta Shah Desai Trivedi Pandey Mishra Tiwari Dubey Yadav Chauhan Rathore
				Malhotra Kapoor Khanna Chopra Bhatia Sethi Agarwal Jain Mathur Saxena Srivastava Pillai Krishnan Subramanian
				Venkataraman Ramachandran Gowda Hegde Shetty Fernandes D'Souza D'Costa Khan Ansari Qureshi Siddiqui`),
		}},
		"ja": {{
			first: parts(`Haruto Yui Sota Hina Yuto Sakura Riku Aoi Ren Rin Minato Mei Kaito Yuna Hiroshi Keiko Takashi Yoko Kenji Naoko
				Satoshi Akiko Makoto Tomoko Daisuke Emi Jun'ichi Shin'ya Ryōta Yūko`),
			last: parts(`Satō Suzuki Takahashi Tanaka Itō Watanabe Yamamoto Nakamura Kobayashi Katō Yoshida Yamada Sasaki Yamaguchi Matsumoto
				Inoue Kimura Hayashi Shimizu Saitō Mori Abe Ikeda Hashimoto Ishikawa Ogawa Gotō Okada Hasegawa Fujii`),
		}},
		"zh": {{
			first: parts(`Wei Xiuying Fang Na Min Jing Li Qiang Lei Yang Yan Jie Juan Tao Ming Chao Xia Ping Gang Guiying Xiaoming Yuchen Zihan
				Haoran Yutong Mingze Siyuan Jiayi Lüyun Nüwa`),
			last: parts(`Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Zheng Liang Xie Song Tang Deng Han
				Feng Cao Ouyang Lü Tan Lim Goh`),
			familyFirst: true,
		}},
		"vi": {{
			first: parts(`Văn_An Thị_Bình Minh_Châu Đức_Dũng Ngọc_Hà Quang_Huy Thanh_Hương Gia_Khánh Bảo_Long Thùy_Linh Hoàng_Nam Kim_Ngân
				Hữu_Phước Bích_Phượng Anh_Quân Như_Quỳnh Thái_Sơn Phương_Thảo Công_Thành Anh_Thư Xuân_Trường Cẩm_Tú Quốc_Việt
				Hải_Yến Tuấn_Kiệt Mỹ_Duyên Trọng_Nghĩa Diễm_My`),
			last: parts(`Nguyễn Trần Lê Phạm Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trương Mai Tô Lương`), familyFirst: true,
		}},
		"af": {{
			first: parts(`Chinedu Ngozi Kwame Akosua Thabo Nomvula Tendai Rudo Oluwaseun Adaeze Kofi Ama Sipho Zanele Babajide Folasade
				Emeka Chiamaka Lindiwe Mthunzi Wanjiku Kamau Achieng Otieno Moussa Aïssatou Ibrahima Khady Tiwalade Yaw`),
			last: parts(`Okonkwo Adeyemi Mensah Boateng Nkosi Dlamini Mokoena Moyo Ndlovu Oyelaran Eze Nwachukwu Asante Owusu Khumalo Mahlangu
				Kamau Mwangi Odhiambo Diop Ndiaye N'Dour Sow Fall Sarr Keïta Ng'ang'a Nyong'o Olúwatóyìn Chukwuemeka`),
		}},
	}
}
